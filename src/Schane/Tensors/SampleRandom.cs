namespace Schane.Tensors;

/// <summary>
/// Random numbers that are a pure function of their key: (seed, epoch, index, view) or any other few integers. Worker counts, ranks and
/// micro-batches can't change them. SplitMix64 (Steele et al. 2014) over a mixed key.
/// </summary>
public struct SampleRandom
{
    private ulong state;

    /// <summary>Numbers for one key; the order of the parts matters.</summary>
    public SampleRandom(params ReadOnlySpan<long> key)
    {
        state = 0x9E3779B97F4A7C15;
        foreach (var part in key)
            state = Mix(state ^ Mix((ulong)part + 0x9E3779B97F4A7C15));
    }

    /// <summary>Uniform over all 64-bit values.</summary>
    public ulong NextBits() => Mix(state += 0x9E3779B97F4A7C15);

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + (high - low) * NextDouble();

    /// <summary>Uniform whole number in [0, count).</summary>
    public int Below(int count) => (int)Math.BigMul((ulong)count, NextBits(), out _);

    /// <summary>Standard normal (Box–Muller).</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Beta(α, α), α above 0: x / (x + y) of two Gamma draws.</summary>
    public double Beta(double alpha)
    {
        var (x, y) = (LogGamma(alpha), LogGamma(alpha));
        return 1 / (1 + Math.Exp(y - x));
    }

    // Logarithm of a Gamma(shape, 1) draw (Marsaglia and Tsang 2000); small shapes would underflow otherwise.
    private double LogGamma(double shape)
    {
        if (shape < 1)
            return LogGamma(shape + 1) + Math.Log(1 - NextDouble()) / shape;
        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal();
            var v = 1 + c * x;
            if (v > 0 && Math.Log(1 - NextDouble()) < 0.5 * x * x + d * (1 - v * v * v + 3 * Math.Log(v)))
                return Math.Log(d) + 3 * Math.Log(v);
        }
    }

    /// <summary>Puts the items in random order, in place (Fisher–Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
