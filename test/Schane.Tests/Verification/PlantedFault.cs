using Schane.Models;
using Schane.Models.Layers;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Schane.Tests.Verification;

/// <summary>What a layer, or what lies between two layers, does wrong.</summary>
public enum Fault
{
    None,
    Float32,
    BatchesOnly,
    Bf16Only,
    InputGradient,
    WeightGradient,
    BetweenLayers,
    TrainingOnly,
    EvaluationOnly,
    NotANumber,
}

/// <summary>conv → norm → fc1 → fc2 → fc3, where fc2, or what is done before fc3, is wrong as a kernel may be: not in float64.</summary>
internal sealed class FaultyNet : Backbone
{
    private readonly Convolution conv;
    private readonly BatchNormalization norm;
    private readonly Dense fc1, fc3;
    private readonly FaultyDense fc2;
    private readonly Fault fault;

    public FaultyNet(Fault fault) : base(new BackboneInfo("faulty", 3, 8, 24, [0, 0, 0], [1, 1, 1], "head"))
    {
        this.fault = fault;
        Another = () => new FaultyNet(fault);
        register_module("conv", conv = new Convolution(3, 16, 3, padding: 1));
        register_module("norm", norm = new BatchNormalization(16));
        register_module("fc1", fc1 = new Dense(16, 32));
        register_module("fc2", fc2 = new FaultyDense(32, 40, fault));
        register_module("fc3", fc3 = new Dense(40, 24));
    }

    public override int LayerCount => 1;

    public override int LayerOf(string parameter) => 0;

    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = norm.call(conv.call(images)).relu_().mean([2, 3]);
        x = nn.functional.gelu(fc2.call(nn.functional.gelu(fc1.call(x))));
        if (fault == Fault.BetweenLayers && x.dtype != ScalarType.Float64)
            x = x * 1.001;
        return fc3.call(x).MoveToOuterDisposeScope();
    }

    public override Tensor Pool(Tensor features) => features.alias();
}

/// <summary>A linear layer that is right in float64 and in the number types, sizes and directions that its fault leaves alone.</summary>
internal sealed class FaultyDense : Layer
{
    private readonly Parameter weight;
    private readonly Fault fault;

    public FaultyDense(long inputs, long outputs, Fault fault) : base("FaultyDense")
    {
        (weight, this.fault) = (Weight(outputs, inputs), fault);
        RegisterComponents();
    }

    public override void Initialise(WeightInit init) => init.Normal(weight, 0.1);

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var exact = input.dtype == ScalarType.Float64;
        var (x, w) = (input, (Tensor)weight);
        if (!exact && fault == Fault.InputGradient)
            x = WrongGradient.Call(x);
        if (!exact && fault == Fault.WeightGradient)
            w = WrongGradient.Call(w);
        var output = Product(x, w, null, nn.functional.linear);
        var wrong = fault switch
        {
            Fault.Float32 or Fault.NotANumber => !exact,
            Fault.TrainingOnly => !exact && training,
            Fault.EvaluationOnly => !exact && !training,
            Fault.BatchesOnly => !exact && input.shape[0] > 1,
            Fault.Bf16Only => output.dtype == ScalarType.BFloat16,
            _ => false,
        };
        // As brgconv_1x1 on processors that hide their caches: the last channels are wrong.
        if (wrong)
            output = cat([output.narrow(1, 0, 32), output.narrow(1, 32, 8) * (fault == Fault.NotANumber ? double.NaN : 0.5)], 1);
        return output.MoveToOuterDisposeScope();
    }

    private sealed class WrongGradient : autograd.SingleTensorFunction<WrongGradient>
    {
        public override string Name => nameof(WrongGradient);

        public static Tensor Call(Tensor input) => is_grad_enabled() && input.requires_grad ? apply(input) : input;

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * 1.01];
    }
}
