"""Has mnncompress factor a network in an environment of its own: its packages are those of 2023.

    python mnncompress_worker.py IN.pt OUT.pt        # whole modules of torch.nn; prints the seconds

mnncompress reports each run to its maker's server; that part is left out, and nothing here needs a network.
"""
import os
import sys
import tempfile
import time
import types

silent = types.ModuleType("mnncompress.common.log")
silent.mnn_logger = types.SimpleNamespace(on_done=lambda *_: None)
sys.modules["mnncompress.common.log"] = silent

import torch  # noqa: E402
from mnncompress.pytorch import low_rank_decompose  # noqa: E402

network = torch.load(sys.argv[1], weights_only=False)
with tempfile.TemporaryDirectory() as folder:
    sys.stdout, out = sys.stderr, sys.stdout
    start = time.perf_counter()
    factored = low_rank_decompose(network, os.path.join(folder, "parameters"))
    print(time.perf_counter() - start, file=out)
torch.save(factored, sys.argv[2])
