"""Contested claims on a map: who says what happened where, who denies it, how sure one can be."""
