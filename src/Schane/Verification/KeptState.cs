using Schane.Models;
using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>What passes change of a model, put back when disposed: modes, running statistics, whose rows norms
/// see, and whether blocks run again.</summary>
internal sealed class KeptState : IDisposable
{
    private readonly ImageClassifier model;
    private readonly List<(nn.Module Module, bool Training)> modes;
    private readonly List<(Tensor Buffer, Tensor Value)> buffers;
    private readonly List<(BatchNormalization Norm, RankSums? Over)> norms;
    private readonly bool recomputes;

    public KeptState(ImageClassifier model)
    {
        this.model = model;
        modes = [.. model.modules().Prepend(model).Select(module => (module, module.training))];
        buffers = [.. model.Buffers().Select(b => (b.Buffer, b.Buffer.clone().DetachFromDisposeScope()))];
        norms = [.. model.modules().OfType<BatchNormalization>().Select(norm => (norm, norm.Over))];
        recomputes = model.Backbone.Recomputes;
    }

    public void Dispose()
    {
        foreach (var (module, training) in modes)                         // parents stand before their parts, and set theirs too
            module.train(training);
        using (no_grad())
            foreach (var (buffer, value) in buffers)
            {
                buffer.copy_(value);
                value.Dispose();
            }
        foreach (var (norm, over) in norms)
            norm.Over = over;
        model.Backbone.Recomputes = recomputes;
    }
}
