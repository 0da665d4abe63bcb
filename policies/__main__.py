"""The only module that constructs the PolicyPack: the constructor serves and never returns."""

from pulumi_policy import PolicyPack

from policies import decoding
from policies.pack import policies

decoding.install()
PolicyPack(name="mlplatform", policies=policies())
