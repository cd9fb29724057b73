using SkiaSharp;
using static Schane.Data.Sets.LookalikesOutlines;

namespace Schane.Data.Sets;

/// <summary>One class as drawn: an outline in the figure's colour and marks on it in a second colour (null if there are none).</summary>
internal sealed record LookalikesFigure(SKPath Body, SKPath? Marks);

/// <summary>Classes that differ in one small trait.</summary>
/// <param name="Name">What they share and the trait: <c>disc-stripes</c>.</param>
/// <param name="Twins">The trait's values.</param>
/// <param name="Figure">Draws twin 0, 1, …</param>
internal sealed record LookalikesGroup(string Name, IReadOnlyList<string> Twins, Func<int, LookalikesFigure> Figure);

/// <summary>The groups of twins. No trait tells left from right, so mirroring an image keeps its label.</summary>
internal static class LookalikesCatalogue
{
    private static readonly string[] Counts = ["2", "3", "4", "5"];
    private static readonly string[] Grades = ["a", "b", "c", "d"];
    private static readonly string[] Angles = ["0", "30", "60", "90"];
    private static readonly string[] Insets = ["circle", "square", "triangle", "cross"];

    /// <summary>Groups to pre-train on.</summary>
    public static IReadOnlyList<LookalikesGroup> Base { get; } =
    [
        new("disc-stripes", Counts, t => Striped(Disc(), 2 + t)),
        new("square-dots", Counts, t => Dotted(RoundBox(0.75f, 0.75f, 0.1f), 2 + t)),
        new("star-points", ["5", "6", "7", "8"], t => Plain(Star(5 + t, 0.5f))),
        new("gear-teeth", ["6", "7", "8", "9"], t => Plain(Cut(Gear(6 + t), Disc(0.3f)))),
        new("ring-gap", Grades, t => Plain(Gapped(Grade(t, 55, 28), 0))),
        new("triangle-corners", Grades, t => Plain(Rounded(3, Grade(t, 0.27f, 0.16f)))),
        new("capsule-length", Grades, t => Grade(t, 0.52f, 0.13f) is var half ? Plain(RoundBox(half, 0.95f, half)) : null!),
        new("arrow-head", Grades, t => Plain(Arrow(Grade(t, 0.64f, 0.15f)))),
        new("heart-bar", Angles, t => Barred(Heart(), 30 * t)),
        new("hexagon-inset", Insets, t => Inset(Regular(6), t)),
        new("cross-arms", Grades, t => Plain(Cross(Grade(t, 0.32f, 0.10f)))),
        new("drop-slit", Grades, t => Slit(Drop(), Grade(t, 0.28f, 0.26f))),
        new("kite-bar", Angles, t => Barred(Polygon(new(0, -1), new(0.7f, -0.25f), new(0, 1), new(-0.7f, -0.25f)), 30 * t)),
        new("pentagon-notch", Grades,
            t => Plain(Cut(Regular(5), Polygon(new(-0.22f, 0.9f), new(0, 0.81f - Grade(t, 0.62f, 0.26f)), new(0.22f, 0.9f))))),
        new("flower-petals", ["4", "5", "6", "7"], t => Plain(Flower(4 + t))),
        new("crescent-width", Grades, t => Plain(Cut(Disc(), Disc(0.82f, 0, -Grade(t, 0.62f, 0.15f))))),
        new("disc-bumps", ["45", "90", "135", "180"],
            t => Plain(Join(Disc(0.74f), Join(Disc(0.2f, 0, -0.8f), Turned(Disc(0.2f, 0, -0.8f), Grade(t, 112, 45)))))),
        new("leaf-stripes", Counts, t => Striped(Leaf(), 2 + t)),
        new("house-window", Insets, t => Inset(Polygon(new(0, -1), new(0.8f, -0.25f), new(0.65f, -0.25f), new(0.65f, 0.85f),
            new(-0.65f, 0.85f), new(-0.65f, -0.25f), new(-0.8f, -0.25f)), t)),
        new("trapezoid-taper", Grades, t => Grade(t, 0.42f, 0.16f) is var top
            ? Plain(Polygon(new(-top, -0.7f), new(top, -0.7f), new(0.85f, 0.7f), new(-0.85f, 0.7f))) : null!),
    ];

    /// <summary>Groups to fine-tune on: other outlines, or the same with another trait.</summary>
    public static IReadOnlyList<LookalikesGroup> Novel { get; } =
    [
        new("shield-stripes", Counts, t => Striped(Shield(), 2 + t)),
        new("hexagon-dots", Counts, t => Dotted(Regular(6), 2 + t)),
        new("square-notch", Grades, t => Plain(Cut(RoundBox(0.75f, 0.75f, 0.05f),
            Polygon(new(-0.25f, -0.9f), new(0, -0.75f + Grade(t, 0.58f, 0.25f)), new(0.25f, -0.9f))))),
        new("halfdisc-slit", Grades, t => Slit(Shifted(Cut(Disc(), Box(-1, -1, 1, 0)), 0, -0.45f), Grade(t, 0.02f, 0.17f))),
        new("drop-inset", Insets, t => Inset(Drop(), t, 0.28f)),
        new("ring-gaps", ["45", "90", "135", "180"], t => Plain(Gapped(32, Grade(t, 112, 45)))),
        new("ellipse-bar", Angles, t => Barred(Ellipse(0.68f, 1), 30 * t)),
        new("star-depth", Grades, t => Plain(Star(5, Grade(t, 0.51f, 0.11f)))),
        new("hourglass-waist", Grades, t => Grade(t, 0.33f, 0.15f) is var waist ? Plain(Polygon(new(-0.75f, -0.9f), new(0.75f, -0.9f),
            new(waist, 0), new(0.75f, 0.9f), new(-0.75f, 0.9f), new(-waist, 0))) : null!),
        new("wheel-spokes", ["3", "4", "5", "6"], t => Plain(Wheel(3 + t))),
    ];

    /// <summary>The value of twin <paramref name="twin"/> of four around a middle.</summary>
    private static float Grade(int twin, float middle, float step) => middle + (twin - 1.5f) * step * (float)LookalikesDifficulty.TraitStep;

    private static LookalikesFigure Plain(SKPath body) => new(body, null);

    private static LookalikesFigure Striped(SKPath body, int stripes)
    {
        var pitch = 1.7f / (stripes + 0.5f);
        SKPath marks = new();
        for (var i = 0; i < stripes; i++)
            if ((i - (stripes - 1) / 2f) * pitch is var middle)
                marks = Join(marks, Box(-2, middle - pitch * 0.25f, 2, middle + pitch * 0.25f));
        return new(body, Both(marks, body));
    }

    private static LookalikesFigure Dotted(SKPath body, int dots)
    {
        SKPath marks = new();
        for (var i = 0; i < dots; i++)
            marks = Join(marks, Polar(0.44f, 360f * i / dots) is var at ? Disc(0.19f, at.X, at.Y) : null!);
        return new(body, marks);
    }

    private static LookalikesFigure Barred(SKPath body, float degrees) => new(body, Turned(Box(-0.1f, -0.5f, 0.1f, 0.5f), degrees));

    private static LookalikesFigure Slit(SKPath body, float at) => new(body, Both(Box(-2, at - 0.08f, 2, at + 0.08f), body));

    private static LookalikesFigure Inset(SKPath body, int kind, float y = 0.15f) => new(body, Shifted(kind switch
    {
        0 => Disc(0.37f),
        1 => RoundBox(0.33f, 0.33f, 0),
        2 => Regular(3, 0.45f),
        _ => Scaled(Cross(0.34f), 0.44f),
    }, 0, y));

    private static SKPath Cross(float arm) => Join(Box(-arm, -0.95f, arm, 0.95f), Box(-0.95f, -arm, 0.95f, arm));

    private static SKPath Arrow(float head) =>
        Polygon(new(0, -1), new(head, -0.15f), new(0.24f, -0.15f), new(0.24f, 0.95f), new(-0.24f, 0.95f),
            new(-0.24f, -0.15f), new(-head, -0.15f));

    /// <summary>A regular polygon with round corners of the given radius.</summary>
    private static SKPath Rounded(int corners, float radius)
    {
        var core = 1.1f - radius;                                         // where the middles of the round corners lie
        var body = Regular(corners, core);
        for (var i = 0; i < corners; i++)
        {
            var (a, b) = (Polar(core, 360f * i / corners), Polar(core, 360f * (i + 1) / corners));
            var outward = Polar(radius, 360f * (i + 0.5f) / corners);
            body = Join(Join(body, Disc(radius, a.X, a.Y)),
                Polygon(a, new(a.X + outward.X, a.Y + outward.Y), new(b.X + outward.X, b.Y + outward.Y), b));
        }
        return body;
    }

    /// <summary>A ring with one gap, or with two if <paramref name="apart"/> degrees lie between them.</summary>
    private static SKPath Gapped(float gap, float apart)
    {
        var ring = Cut(Cut(Disc(0.95f), Disc(0.52f)), Sector(-gap / 2, gap));
        return apart == 0 ? ring : Cut(ring, Sector(apart - gap / 2, gap));
    }

    private static SKPath Wheel(int spokes)
    {
        var wheel = Join(Cut(Disc(0.98f), Disc(0.72f)), Disc(0.22f));
        for (var i = 0; i < spokes; i++)
            wheel = Join(wheel, Turned(Box(-0.09f, -0.8f, 0.09f, 0), 360f * i / spokes));
        return wheel;
    }
}
