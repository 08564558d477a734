"""``python -m benchmarks``: every benchmark, one after the other."""

from benchmarks import analysis

if __name__ == "__main__":
    analysis.main()
