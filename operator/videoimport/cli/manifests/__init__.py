"""Reading of manifests (YAML files), and the changes and checks that an API server makes before it stores an object."""
