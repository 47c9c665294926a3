"""The engines that a user would otherwise pick. Each function makes a layer ready and returns a call that runs it."""
import os
import tempfile


def onnx_model(stages, weights, inputs, height, width):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, value = [], [], "x"
    for i, ((_, _, d, stride, padding, groups), weight) in enumerate(zip(stages, weights)):
        constants.append(numpy_helper.from_array(weight, f"w{i}"))
        output = "y" if i == len(stages) - 1 else f"t{i}"
        nodes.append(helper.make_node(
            "Conv", [value, f"w{i}"], [output], kernel_shape=[d, d], strides=[stride] * 2, pads=[padding] * 4,
            group=groups))
        value = output
    graph = helper.make_graph(
        nodes, "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs, height, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def onnxruntime(stages, weights, x, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    model = onnx_model(stages, weights, *x.shape[1:])
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y")
    return lambda: session.run_with_iobinding(binding)


def openvino(stages, weights, x, threads):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(onnx_model(stages, weights, *x.shape[1:]), b"")
    settings = {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(ov.Tensor(x))
    return request.infer


def torch(stages, weights, x, threads):
    import torch

    torch.set_num_threads(threads)
    modules = []
    for (s, t, d, stride, padding, groups), weight in zip(stages, weights):
        module = torch.nn.Conv2d(s, t, d, stride, padding, groups=groups, bias=False)
        module.weight.data = torch.from_numpy(weight)
        modules.append(module)
    image = torch.from_numpy(x)
    with torch.inference_mode():
        network = torch.jit.freeze(torch.jit.trace(torch.nn.Sequential(*modules).eval(), image))
        network = torch.jit.optimize_for_inference(network)

    def run():
        with torch.inference_mode():
            network(image)

    return run


def ncnn(stages, weights, x, threads):
    import ncnn

    lines, blob = ["Input x 0 1 x"], b""
    value = "x"
    for i, ((_, t, d, stride, padding, groups), weight) in enumerate(zip(stages, weights)):
        kind = "Convolution" if groups == 1 else "ConvolutionDepthWise"
        lines.append(f"{kind} c{i} 1 1 {value} t{i} 0={t} 1={d} 3={stride} 4={padding} 5=0 6={weight.size}"
                     + ("" if groups == 1 else f" 7={groups}"))
        value = f"t{i}"
        blob += bytes(4) + weight.tobytes()
    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in ("use_fp16_storage", "use_fp16_arithmetic", "use_fp16_packed", "use_bf16_storage"):
        setattr(net.opt, option, False)
    with tempfile.TemporaryDirectory() as folder:
        parameters, binary = os.path.join(folder, "p"), os.path.join(folder, "b")
        with open(parameters, "w") as file:
            file.write("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines, ""]))
        with open(binary, "wb") as file:
            file.write(blob)
        net.load_param(parameters)
        net.load_model(binary)
    image = ncnn.Mat(x[0])

    def run():
        extractor = net.create_extractor()
        extractor.input("x", image)
        return extractor.extract(value)

    return run


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "torch": torch, "ncnn": ncnn}
