using SkiaSharp;

namespace Schane.Data.Sets;

/// <summary>Outlines in the unit circle, y downwards, most of them upright: made once, then only read.</summary>
internal static class LookalikesOutlines
{
    public static SKPath Disc(float radius = 1, float x = 0, float y = 0) => Build(b => b.AddCircle(x, y, radius));

    public static SKPath Ellipse(float width, float height, float x = 0, float y = 0) =>
        Build(b => b.AddOval(new SKRect(x - width, y - height, x + width, y + height)));

    public static SKPath Box(float left, float top, float right, float bottom) =>
        Build(b => b.AddRect(new SKRect(left, top, right, bottom)));

    public static SKPath RoundBox(float halfWidth, float halfHeight, float corner) =>
        Build(b => b.AddRoundRect(new SKRect(-halfWidth, -halfHeight, halfWidth, halfHeight), corner, corner));

    /// <summary>Regular polygon with one corner at the top.</summary>
    public static SKPath Regular(int corners, float radius = 1, float x = 0, float y = 0) =>
        Polygon([.. Enumerable.Range(0, corners).Select(i => Polar(radius, 360f * i / corners, x, y))]);

    /// <summary>Star with one point at the top.</summary>
    public static SKPath Star(int points, float inner) =>
        Polygon([.. Enumerable.Range(0, 2 * points).Select(i => Polar(i % 2 == 0 ? 1 : inner, 180f * i / points))]);

    public static SKPath Polygon(params SKPoint[] corners) => Build(b =>
    {
        b.MoveTo(corners[0]);
        foreach (var corner in corners.Skip(1))
            b.LineTo(corner);
        b.Close();
    });

    /// <summary>Cog wheel: a disc with square teeth.</summary>
    public static SKPath Gear(int teeth)
    {
        List<SKPoint> corners = [];
        for (var tooth = 0; tooth < teeth; tooth++)
            foreach (var (radius, at) in ((float, float)[])[(0.76f, -0.25f), (1, -0.2f), (1, 0.2f), (0.76f, 0.25f)])
                corners.Add(Polar(radius, 360f * (tooth + at) / teeth));
        return Polygon([.. corners]);
    }

    /// <summary>Flower: petals around a middle.</summary>
    public static SKPath Flower(int petals)
    {
        var flower = Disc(0.45f);
        for (var i = 0; i < petals; i++)
            flower = Join(flower, Turned(Ellipse(0.9f * MathF.Sin(MathF.PI / petals), 0.36f, 0, -0.63f), 360f * i / petals));
        return flower;
    }

    /// <summary>Part of a ring, from <paramref name="start"/> over <paramref name="sweep"/> degrees clockwise, 0 at the top.</summary>
    public static SKPath Sector(float start, float sweep) => Build(b =>
    {
        b.MoveTo(0, 0);
        for (var step = 0; step <= 24; step++)
            b.LineTo(Polar(2, start + sweep * step / 24));
        b.Close();
    });

    public static SKPath Heart() => Build(b =>
    {
        b.MoveTo(0, 0.95f);
        b.CubicTo(-1.5f, -0.2f, -0.75f, -1.25f, 0, -0.5f);
        b.CubicTo(0.75f, -1.25f, 1.5f, -0.2f, 0, 0.95f);
        b.Close();
    });

    public static SKPath Drop() => Build(b =>
    {
        b.MoveTo(0, -1);
        b.CubicTo(0.25f, -0.45f, 0.72f, -0.1f, 0.72f, 0.3f);
        b.CubicTo(0.72f, 1.2f, -0.72f, 1.2f, -0.72f, 0.3f);
        b.CubicTo(-0.72f, -0.1f, -0.25f, -0.45f, 0, -1);
        b.Close();
    });

    public static SKPath Leaf() => Build(b =>
    {
        b.MoveTo(0, -1);
        b.CubicTo(0.8f, -0.5f, 0.8f, 0.5f, 0, 1);
        b.CubicTo(-0.8f, 0.5f, -0.8f, -0.5f, 0, -1);
        b.Close();
    });

    public static SKPath Shield() => Build(b =>
    {
        b.MoveTo(-0.8f, -0.85f);
        b.LineTo(0.8f, -0.85f);
        b.LineTo(0.8f, 0.05f);
        b.CubicTo(0.8f, 0.6f, 0.4f, 0.85f, 0, 1);
        b.CubicTo(-0.4f, 0.85f, -0.8f, 0.6f, -0.8f, 0.05f);
        b.Close();
    });

    /// <summary>What is in both.</summary>
    public static SKPath Both(SKPath a, SKPath b) => a.Op(b, SKPathOp.Intersect);

    /// <summary>What is in either.</summary>
    public static SKPath Join(SKPath a, SKPath b) => a.Op(b, SKPathOp.Union);

    /// <summary>What is in the first only.</summary>
    public static SKPath Cut(SKPath a, SKPath b) => a.Op(b, SKPathOp.Difference);

    public static SKPath Turned(SKPath path, float degrees) => Moved(path, SKMatrix.CreateRotationDegrees(degrees));

    public static SKPath Shifted(SKPath path, float x, float y) => Moved(path, SKMatrix.CreateTranslation(x, y));

    public static SKPath Scaled(SKPath path, float scale) => Moved(path, SKMatrix.CreateScale(scale, scale));

    /// <summary>The point at a radius and an angle in degrees clockwise from the top.</summary>
    public static SKPoint Polar(float radius, float degrees, float x = 0, float y = 0) =>
        new(x + radius * MathF.Sin(degrees * MathF.PI / 180), y - radius * MathF.Cos(degrees * MathF.PI / 180));

    private static SKPath Moved(SKPath path, SKMatrix matrix) => Build(b => b.AddPath(path, in matrix));

    private static SKPath Build(Action<SKPathBuilder> draw)
    {
        using var builder = new SKPathBuilder();
        draw(builder);
        return builder.Detach();
    }
}
