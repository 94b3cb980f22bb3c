"""The daemon, and every capability that it and the people around it use."""
