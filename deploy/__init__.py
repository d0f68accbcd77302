"""Everything that runs Waymark somewhere: the embedded servers, the simulator, images and manifests."""
