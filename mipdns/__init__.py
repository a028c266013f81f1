"""mipdns: which addresses do many people share, and how sure are we?

The stages, in order, each a folder:

    sources → evidence → inference → store (SQLite) → index → answer (sans-IO) → server
"""

__version__ = "0.1.0"
