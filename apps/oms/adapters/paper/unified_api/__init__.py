"""ccxt's unified API of a paper exchange: reads, trading methods and structures."""
