"""When one machine is not enough: devices and hosts (JAX), a vector database (Qdrant), Ray Data."""
