using Schane.Data;
using Schane.Data.Reading;
using Schane.Data.Sets;
using Schane.Tensors;
using SkiaSharp;

namespace Schane.Tests.Data.Reading;

public class NearCopiesTests
{
    [Theory]
    [InlineData("another quality", 70, 1, 0, 1)]
    [InlineData("another size", 85, 0.7, 0, 1)]
    [InlineData("a little cut off", 85, 1, 0.04, 1)]
    [InlineData("brighter", 85, 1, 0, 1.15)]
    [InlineData("all of it", 75, 0.8, 0.03, 1.1)]
    public void Copies_are_found_among_other_scenes(string kind, int quality, double size, double cut, double brightness)
    {
        const int Scenes = 60;
        List<Fingerprint?> all = [];
        for (var i = 0; i < Scenes; i++)
        {
            using var scene = Scene(i);
            all.Add(Fingerprint.Of(Stored(scene, 90)));
            using var changed = Changed(scene, size, cut, (float)brightness);
            all.Add(Fingerprint.Of(Stored(changed, quality)));
        }
        var pairs = NearCopies.Pairs(all, TestContext.Current.CancellationToken);
        Assert.All(pairs, pair => Assert.True(pair.First / 2 == pair.Second / 2, $"{kind}: scenes {pair.First / 2} and {pair.Second / 2}"));
        Assert.InRange(pairs.Count, Scenes * 95 / 100, Scenes);
    }

    [Fact]
    public void Bottles_with_other_labels_and_hands_with_other_fingers_are_not_the_same()
    {
        List<Fingerprint?> all = [];
        for (var kind = 0; kind < 4; kind++)
        {
            using var bottle = Bottle(kind);
            using var hand = Hand(kind + 1);
            all.Add(Fingerprint.Of(Stored(bottle, 90)));
            all.Add(Fingerprint.Of(Stored(hand, 90)));
        }
        Assert.Empty(NearCopies.Pairs(all, TestContext.Current.CancellationToken));
        using var again = Bottle(2);
        Assert.Equal([(4, 8)], NearCopies.Pairs([.. all, Fingerprint.Of(Stored(again, 70))], TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Images_in_other_colours_are_not_the_same()
    {
        using var scene = Scene(3);
        using var other = new SKBitmap(scene.Info);
        for (var y = 0; y < scene.Height; y++)
            for (var x = 0; x < scene.Width; x++)
                other.SetPixel(x, y, scene.GetPixel(x, y) is var c ? new SKColor(c.Blue, c.Green, c.Red) : default);
        Assert.Empty(NearCopies.Pairs([Fingerprint.Of(Stored(scene, 90)), Fingerprint.Of(Stored(other, 90))],
            TestContext.Current.CancellationToken));
    }

    [Fact]
    public void No_two_of_the_built_in_look_alikes_are_the_same()
    {
        var images = new LookalikesDataset(LookalikesPart.Train);
        Assert.Empty(NearCopies.Pairs([.. Enumerable.Range(0, images.Count).Select(i => Fingerprint.Of(images.Read(i)))],
            TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Plain_images_have_no_fingerprint()
    {
        Assert.Null(Fingerprint.Of(new(40, 30, 3, [.. Enumerable.Repeat((byte)90, 3600)])));
        Assert.Null(Fingerprint.Of(new(40, 30, 1, [.. Enumerable.Range(0, 1200).Select(i => (byte)(90 + i % 3))])));
    }

    [Fact]
    public void Groups_are_chains_of_pairs() => Assert.Equal(["0 2 5", "3 4"],
        NearCopies.Groups(7, [(2, 5), (3, 4), (0, 2)]).Select(group => string.Join(' ', group)));

    [Fact]
    [Trait("Slow", "1")]
    [Trait("Long", "1")]
    public void Thousands_of_equal_and_of_alike_images_cost_no_square()
    {
        using var scene = Scene(1);
        var look = Fingerprint.Of(Stored(scene, 90));
        List<Fingerprint?> all = [.. Enumerable.Repeat(look, 50_000)];
        for (var i = 0; i < 2000; i++)
        {
            scene.SetPixel(i % 200, i / 200, i % 2 == 0 ? SKColors.White : SKColors.Black);
            all.Add(Fingerprint.Of(Stored(scene, 100)));
        }
        var pairs = NearCopies.Pairs(all, TestContext.Current.CancellationToken);
        Assert.Equal(all.Count, Assert.Single(NearCopies.Groups(all.Count, pairs)).Count);
        Assert.Equal(all.Count - 1, pairs.Count);
    }

    [Fact]
    public void A_check_reports_images_that_may_be_the_same_across_parts()
    {
        using var folder = new TemporaryFolder();
        byte[] png = File.ReadAllBytes(GoldenImages.Image("natural.png")), jpeg = File.ReadAllBytes(GoldenImages.Image("natural.jpg"));
        folder.Write("train/a/1.png", png);
        folder.Write("test/a/2.jpg", jpeg);
        folder.Write("train/b/3.jpg", File.ReadAllBytes(GoldenImages.Image("gray.jpg")));
        var report = new FolderCheck().Run(folder.Path, cancel: TestContext.Current.CancellationToken);
        var near = Assert.Single(report.NearDuplicates);
        Assert.Equal(["test/a/2.jpg", "train/a/1.png"], near.Files);
        Assert.True(near is { AcrossParts: true, AcrossClasses: false });
        Assert.Empty(report.Duplicates);
        Assert.Contains(("near copy in another part", "train/a/1.png", "test/a/2.jpg"), report.Findings());
    }

    /// <summary>A dozen figures of random places, sizes and colours.</summary>
    private static SKBitmap Scene(long seed)
    {
        var random = new SampleRandom(seed, 11);
        SKColor Colour() => new((byte)random.Below(220), (byte)random.Below(220), (byte)random.Below(220));
        return Drawn(canvas =>
        {
            canvas.Clear(Colour());
            for (var i = 0; i < 12; i++)
            {
                using var paint = new SKPaint { Color = Colour(), IsAntialias = true };
                var (x, y, width, height) = (random.Below(200), random.Below(150), 15 + random.Below(60), 15 + random.Below(60));
                if (i % 2 == 0)
                    canvas.DrawOval(x, y, width / 2, height / 2, paint);
                else
                    canvas.DrawRect(x - width / 2, y - height / 2, width, height, paint);
            }
        });
    }

    /// <summary>The same bottle on the same table with one of four labels.</summary>
    private static SKBitmap Bottle(int label) => Drawn(canvas =>
    {
        canvas.Clear(SKColors.Gainsboro);
        using var paint = new SKPaint { Color = SKColors.SaddleBrown, IsAntialias = true };
        canvas.DrawRect(0, 120, 200, 30, paint);
        paint.Color = SKColors.DarkGreen;
        canvas.DrawRect(75, 40, 50, 95, paint);
        canvas.DrawRect(92, 10, 16, 35, paint);
        paint.Color = SKColors.White;
        canvas.DrawRect(75, 65, 50, 45, paint);
        paint.Color = SKColors.DarkRed;
        if (label == 0)
            canvas.DrawOval(100, 88, 15, 18, paint);
        else if (label == 1)
            canvas.DrawRect(80, 68, 40, 10, paint);
        else if (label == 2)
            canvas.DrawRect(80, 95, 40, 12, paint);
        else
            canvas.DrawRect(82, 68, 10, 40, paint);
    });

    /// <summary>A palm with some fingers up, before the same wall.</summary>
    private static SKBitmap Hand(int fingers) => Drawn(canvas =>
    {
        canvas.Clear(SKColors.LightSteelBlue);
        using var paint = new SKPaint { Color = SKColors.Peru, IsAntialias = true };
        canvas.DrawOval(100, 110, 35, 32, paint);
        for (var i = 0; i < fingers; i++)
            canvas.DrawRoundRect(70 + 16 * i, 30, 12, 70, 6, 6, paint);
    });

    private static SKBitmap Drawn(Action<SKCanvas> draw)
    {
        var bitmap = new SKBitmap(200, 150, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        draw(canvas);
        return bitmap;
    }

    private static SKBitmap Changed(SKBitmap image, double size, double cut, float brightness)
    {
        var (x, y) = ((float)(image.Width * cut), (float)(image.Height * cut));
        var changed = new SKBitmap((int)((image.Width - 2 * x) * size), (int)((image.Height - 2 * y) * size), SKColorType.Rgba8888,
            SKAlphaType.Opaque);
        using var canvas = new SKCanvas(changed);
        using var whole = SKImage.FromBitmap(image);
        using var filter = SKColorFilter.CreateColorMatrix(
            [brightness, 0, 0, 0, 0, 0, brightness, 0, 0, 0, 0, 0, brightness, 0, 0, 0, 0, 0, 1, 0]);
        using var paint = new SKPaint { ColorFilter = filter };
        canvas.DrawImage(whole, new SKRect(x, y, image.Width - x, image.Height - y), new SKRect(0, 0, changed.Width, changed.Height),
            new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear), paint);
        return changed;
    }

    private static Image8 Stored(SKBitmap image, int quality)
    {
        using var jpeg = image.Encode(SKEncodedImageFormat.Jpeg, quality);
        return ImageDecoder.Decode(jpeg.ToArray(), "stored.jpg");
    }
}
