"""Tests of what Waymark is deployed with: compose file, image, configuration of servers."""
