"""Pairs of demands and offers: who is compared, how they score, what people make of it, what is learnt from that."""
