"""Whose a profile is: claims and evidence, consent, messages relayed until then, brokers' cases."""
