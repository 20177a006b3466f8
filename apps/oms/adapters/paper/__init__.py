"""The paper exchange as an exchange of the port: prices, names, storage and unified reads."""
