"""Simulated AWS and Google Cloud: stand-in providers on the real Pulumi engine. See docs/simulated-clouds.md.

Every input is checked as the cloud would check it, state is kept as the cloud keeps it, and an EKS or GKE cluster is a
real control plane on this computer. Everything it makes says that it is simulated.
"""
