"""Who answers: the outside behind the ports."""
