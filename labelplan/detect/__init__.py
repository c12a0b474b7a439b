"""The port to what labels images: Rekognition, or a small model on this machine."""
