"""A node whose pods are processes of this computer: the unmodified kubelet, and a container runtime of ours.

`launcher` starts and stops the node with its cluster; docs/process-node.md has the picture and the limits.
"""
