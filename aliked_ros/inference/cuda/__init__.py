"""ALIKED as Triton kernels; imported only where triton is installed and the device is CUDA."""
