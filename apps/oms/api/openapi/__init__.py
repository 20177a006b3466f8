"""The OpenAPI document: what every route takes and answers, as data that is built once."""
