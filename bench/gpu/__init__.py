"""The steps of bench_gpu.py."""
