"""Training KoCLIP: data, losses, steps on any mesh of devices, checkpoints."""
