using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>A vision transformer as a user of TorchSharp writes it from its own modules, with torch.optim.AdamW: what Schane's step
/// is measured against.</summary>
internal sealed class PlainTransformer : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d patches;
    private readonly Parameter token, positions;
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public PlainTransformer(int width, int depth, int heads, int side, int patch, int classes) : base(nameof(PlainTransformer))
    {
        patches = nn.Conv2d(3, width, patch, patch);
        token = new Parameter(randn(1, 1, width) * 0.02);
        positions = new Parameter(randn(1, 1 + side / patch * (side / patch), width) * 0.02);
        blocks = nn.ModuleList([.. Enumerable.Range(0, depth).Select(_ => new Block(width, heads))]);
        norm = nn.LayerNorm(width, 1e-6);
        head = nn.Linear(width, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor images)
    {
        var x = patches.forward(images).flatten(2).transpose(1, 2);
        x = cat([token.expand(images.shape[0], -1, -1), x], 1) + positions;
        foreach (var block in blocks)
            x = block.forward(x);
        return head.forward(norm.forward(x).select(1, 0));
    }

    /// <summary>One step after another, each when a line comes in; its seconds go out.</summary>
    public static int Serve(int width, int depth, int heads, int side, int batch, string name)
    {
        var at = device(name);
        using var model = new PlainTransformer(width, depth, heads, side, 16, 100);
        model.to(at);
        var optimizer = optim.AdamW(model.parameters(), 1e-4, weight_decay: 0.05);
        var images = randn([batch, 3, side, side], device: at);
        var labels = arange(batch, ScalarType.Int64, device: at).remainder(100);
        model.train();
        while (Console.ReadLine() is not null)
        {
            using var scope = NewDisposeScope();
            var watch = System.Diagnostics.Stopwatch.StartNew();
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(model.forward(images), labels);
            loss.backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1e9);
            optimizer.step();
            var last = loss.item<float>();
            if (at.type == DeviceType.CUDA)
                cuda.synchronize();
            Console.WriteLine($"{watch.Elapsed.TotalSeconds:R} {last}");
        }
        return 0;
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly LayerNorm norm1, norm2;
        private readonly Linear qkv, proj, fc1, fc2;
        private readonly int heads;

        public Block(int width, int heads) : base(nameof(Block))
        {
            this.heads = heads;
            norm1 = nn.LayerNorm(width, 1e-6);
            qkv = nn.Linear(width, 3 * width);
            proj = nn.Linear(width, width);
            norm2 = nn.LayerNorm(width, 1e-6);
            fc1 = nn.Linear(width, 4 * width);
            fc2 = nn.Linear(4 * width, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var (n, tokens, width) = (x.shape[0], x.shape[1], x.shape[2]);
            var parts = qkv.forward(norm1.forward(x)).view(n, tokens, 3, heads, width / heads).permute(2, 0, 3, 1, 4).unbind(0);
            var mixed = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]);
            x = x + proj.forward(mixed.transpose(1, 2).reshape(n, tokens, width));
            return x + fc2.forward(nn.functional.gelu(fc1.forward(norm2.forward(x))));
        }
    }
}
