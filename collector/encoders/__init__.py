"""Unstructured inputs: texts and images become vectors by the monitor's own ONNX encoder."""
