"""The only module that constructs the PolicyPack: the constructor serves and never returns."""

from pulumi_policy import PolicyPack

from policies.pack import policies

PolicyPack(name="mlplatform", policies=policies())
