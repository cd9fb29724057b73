namespace Schane.Tests.Generated;

/// <summary>
/// A peer's model from its papers and documentation, in scalars of a <see cref="Tape"/>. It declares each parameter where it
/// uses it, by the peer's name and with its shape, and draws its values: so the names and shapes of a generated case come from
/// here too, not from the product.
/// </summary>
/// <param name="seed">Seed of the values.</param>
/// <param name="eps">eps of the norms.</param>
internal abstract class PlainNet(int seed, double eps)
{
    private readonly Random random = new(seed);

    /// <summary>Parameters in the order of their first use.</summary>
    public Dictionary<string, (int[] Shape, Var[] Values)> Parameters { get; } = [];

    /// <summary>Running statistics, which have no gradient.</summary>
    public Dictionary<string, double[]> Buffers { get; } = [];

    /// <summary>Running statistics after a training pass.</summary>
    public Dictionary<string, double[]> BuffersAfter { get; } = [];

    public Tape Tape { get; } = new();

    /// <summary>Whether batch norm takes the statistics of the batch.</summary>
    public bool Trains { get; set; }

    /// <summary>Everything before pooling, as the peer lays it out, one image after the other.</summary>
    /// <param name="images">[n][C·H·W].</param>
    /// <param name="size">H = W.</param>
    public abstract (int[] Shape, Var[] Values) Features(Var[][] images, int size);

    /// <summary>The embedding of each image, from its features.</summary>
    public abstract Var[][] Pool((int[] Shape, Var[] Values) features);

    /// <summary>The classifier on the embedding, or what the peer has in its place.</summary>
    public abstract Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled);

    protected Var[] Parameter(string name, params int[] shape)
    {
        if (!Parameters.TryGetValue(name, out var found))
        {
            var about = name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal)
                || name.Contains("gamma", StringComparison.Ordinal) || IsBatchScale(name) ? 1 : 0;
            var fanIn = shape.Length > 1 ? shape[1..].Aggregate((a, b) => a * b) : 4;
            // float32 values, as files have them.
            Var[] values = [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b))
                .Select(_ => Tape.Leaf((float)(about + Draw() * Math.Min(0.4, 1 / Math.Sqrt(fanIn)))))];
            Parameters[name] = found = (shape, values);
        }
        if (!found.Shape.SequenceEqual(shape))
            throw new InvalidOperationException($"{name} is used with two shapes.");
        return found.Values;
    }

    private static bool IsBatchScale(string name) => name.Split('.') is [.., var layer, "weight"]
        && (layer.StartsWith("bn", StringComparison.Ordinal) || name.Contains("downsample.1", StringComparison.Ordinal));

    /// <summary>Standard normal.</summary>
    protected double Draw() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    protected Var[] Linear(Var[] x, string name, int outputs, bool bias = true, int[]? shape = null)
    {
        var weight = Parameter($"{name}.weight", shape ?? [outputs, x.Length]);
        var shift = bias ? Parameter($"{name}.bias", outputs) : null;
        return [.. Enumerable.Range(0, outputs).Select(o =>
        {
            var product = Tape.Dot(x.Select((v, i) => (v, weight[o * x.Length + i])));
            return shift is null ? product : product + shift[o];
        })];
    }

    protected Var[] Norm(Var[] x, string name)
    {
        var (weight, bias) = (Parameter($"{name}.weight", x.Length), Parameter($"{name}.bias", x.Length));
        var mean = Tape.Sum(x) * (1.0 / x.Length);
        Var[] centred = [.. x.Select(v => v - mean)];
        var deviation = (Tape.Sum(centred.Select(v => v * v)) * (1.0 / x.Length) + eps).Sqrt();
        return [.. centred.Select((v, i) => v / deviation * weight[i] + bias[i])];
    }

    protected static Var[] Sum(Var[] a, Var[] b) => [.. a.Zip(b, (x, y) => x + y)];

    protected Var[] Mean(IReadOnlyCollection<Var[]> rows) =>
        [.. Enumerable.Range(0, rows.First().Length).Select(i => Tape.Sum(rows.Select(r => r[i])) * (1.0 / rows.Count))];

    /// <summary>softmax(q kᵀ / √d + bias) v, head by head; rows of queries, keys and values side by side.</summary>
    protected Var[][] Attention(Var[][] qkv, int heads, Func<int, int, int, Var?>? bias = null)
    {
        var (n, width) = (qkv.Length, qkv[0].Length / 3);
        var d = width / heads;
        var mixed = qkv.Select(_ => new Var[width]).ToArray();
        for (var h = 0; h < heads; h++)
            for (var q = 0; q < n; q++)
            {
                Var Part(int token, int which, int i) => qkv[token][which * width + h * d + i];
                Var[] scores = [.. Enumerable.Range(0, n).Select(k =>
                {
                    var score = Tape.Dot(Enumerable.Range(0, d).Select(i => (Part(q, 0, i), Part(k, 1, i)))) * (1 / Math.Sqrt(d));
                    return bias?.Invoke(h, q, k) is { } added ? score + added : score;
                })];
                var most = scores.Max(s => s.Value);
                Var[] shares = [.. scores.Select(s => (s + -most).Exp())];
                var all = Tape.Sum(shares);
                for (var i = 0; i < d; i++)
                    mixed[q][h * d + i] = Tape.Dot(shares.Select((share, k) => (share, Part(k, 2, i)))) / all;
            }
        return mixed;
    }

    /// <summary>A convolution of maps [C][H·W].</summary>
    protected Var[][] Convolve(Var[][] maps, int side, string name, int outputs, int kernel, int stride,
        int padding, bool bias, int groups = 1)
    {
        var (inputs, to) = (maps.Length / groups, (side + 2 * padding - kernel) / stride + 1);
        var weight = Parameter($"{name}.weight", outputs, inputs, kernel, kernel);
        var shift = bias ? Parameter($"{name}.bias", outputs) : null;
        var result = new Var[outputs][];
        for (var o = 0; o < outputs; o++)
        {
            var group = o / (outputs / groups);
            result[o] = [.. Enumerable.Range(0, to * to).Select(at =>
            {
                var terms = new List<(Var, Var)>();
                for (var c = 0; c < inputs; c++)
                    for (var v = 0; v < kernel; v++)
                        for (var u = 0; u < kernel; u++)
                        {
                            var (y, x) = (at / to * stride + v - padding, at % to * stride + u - padding);
                            if (y >= 0 && y < side && x >= 0 && x < side)
                                terms.Add((maps[group * inputs + c][y * side + x], weight[((o * inputs + c) * kernel + v) * kernel + u]));
                        }
                var sum = Tape.Dot(terms);
                return shift is null ? sum : sum + shift[o];
            })];
        }
        return result;
    }

    /// <summary>Patches as tokens.</summary>
    protected Var[][] Patches(Var[] image, int size, string name, int patch, int width, bool bias = true)
    {
        var maps = Convolve(image.Chunk(size * size).ToArray(), size, name, width, patch, patch, 0, bias);
        return [.. Enumerable.Range(0, maps[0].Length).Select(at => maps.Select(map => map[at]).ToArray())];
    }

    protected Var[] Mlp(Var[] x, string name, int hidden, Func<Var[], Var[]>? norm = null, bool pointwise = false)
    {
        Var[] middle = [.. Linear(x, $"{name}.fc1", hidden, shape: pointwise ? [hidden, x.Length, 1, 1] : null).Select(v => v.Gelu())];
        return Linear(norm is null ? middle : norm(middle), $"{name}.fc2", x.Length, shape: pointwise ? [x.Length, hidden, 1, 1] : null);
    }
}
