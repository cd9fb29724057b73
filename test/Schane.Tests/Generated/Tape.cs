namespace Schane.Tests.Generated;

/// <summary>A number of a <see cref="Generated.Tape"/>.</summary>
internal readonly record struct Var(Tape Tape, int Index)
{
    public double Value => Tape.ValueOf(Index);

    public static Var operator +(Var a, Var b) => a.Tape.Push(a.Value + b.Value, (a, 1), (b, 1));

    public static Var operator -(Var a, Var b) => a.Tape.Push(a.Value - b.Value, (a, 1), (b, -1));

    public static Var operator *(Var a, Var b) => a.Tape.Push(a.Value * b.Value, (a, b.Value), (b, a.Value));

    public static Var operator /(Var a, Var b) => a.Tape.Push(a.Value / b.Value, (a, 1 / b.Value), (b, -a.Value / b.Value / b.Value));

    public static Var operator *(Var a, double b) => a.Tape.Push(a.Value * b, (a, b));

    public static Var operator +(Var a, double b) => a.Tape.Push(a.Value + b, (a, 1));

    public Var Exp() => Tape.Push(Math.Exp(Value), (this, Math.Exp(Value)));

    public Var Log() => Tape.Push(Math.Log(Value), (this, 1 / Value));

    public Var Sqrt() => Tape.Push(Math.Sqrt(Value), (this, 0.5 / Math.Sqrt(Value)));

    public Var Relu() => Tape.Push(Math.Max(Value, 0), (this, Value > 0 ? 1 : 0));

    /// <summary>x Φ(x).</summary>
    public Var Gelu() =>
        Tape.Push(Value * Normal.Below(Value), (this, Normal.Below(Value) + Value * Math.Exp(-Value * Value / 2) / Math.Sqrt(2 * Math.PI)));
}

/// <summary>Scalars in float64 that remember how they were made, for exact gradients one number at a time: slow
/// and plain on purpose.</summary>
internal sealed class Tape
{
    private readonly List<double> values = [];
    private readonly List<int> starts = [0], parents = [];
    private readonly List<double> slopes = [];

    public double ValueOf(int index) => values[index];

    /// <summary>A number that was not computed.</summary>
    public Var Leaf(double value) => Push(value);

    /// <summary>A computed number, with its derivative by each number that it was made of.</summary>
    public Var Push(double value, params ReadOnlySpan<(Var From, double Slope)> from)
    {
        foreach (var (var, slope) in from)
            Add(var, slope);
        return End(value);
    }

    /// <summary>Σ aᵢ bᵢ.</summary>
    public Var Dot(IEnumerable<(Var A, Var B)> pairs)
    {
        var sum = 0.0;
        foreach (var (a, b) in pairs.ToArray())                           // all of them are made before this number is
        {
            sum += a.Value * b.Value;
            Add(a, b.Value);
            Add(b, a.Value);
        }
        return End(sum);
    }

    public Var Sum(IEnumerable<Var> terms)
    {
        var sum = 0.0;
        foreach (var term in terms.ToArray())
        {
            sum += term.Value;
            Add(term, 1);
        }
        return End(sum);
    }

    /// <summary>∂ of / ∂ every number.</summary>
    public double[] Gradients(Var of)
    {
        var gradients = new double[values.Count];
        gradients[of.Index] = 1;
        for (var i = of.Index; i >= 0; i--)
            if (gradients[i] != 0)
                for (var p = starts[i]; p < starts[i + 1]; p++)
                    gradients[parents[p]] += gradients[i] * slopes[p];
        return gradients;
    }

    private void Add(Var from, double slope)
    {
        parents.Add(from.Index);
        slopes.Add(slope);
    }

    private Var End(double value)
    {
        values.Add(value);
        starts.Add(parents.Count);
        return new(this, values.Count - 1);
    }
}

/// <summary>The standard normal distribution.</summary>
internal static class Normal
{
    /// <summary>Φ(x), to 1e-13: Taylor's series about 0, Laplace's continued fraction in the tails.</summary>
    public static double Below(double x)
    {
        if (Math.Abs(x) < 4)
        {
            var (term, sum) = (x, x);
            for (var n = 1; n < 100; n++)
                sum += term *= x * x / (2 * n + 1);
            return 0.5 + sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        }
        var fraction = 0.0;
        for (var n = 80; n > 0; n--)
            fraction = n / (Math.Abs(x) + fraction);
        var tail = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) / (Math.Abs(x) + fraction);
        return x < 0 ? tail : 1 - tail;
    }
}
