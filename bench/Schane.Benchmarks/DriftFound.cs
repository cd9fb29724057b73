using System.Globalization;
using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Drift;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Tensors;
using SkiaSharp;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>How often are images of the same kind said to have drifted, and how often are blurred, darkened and new ones found, by each
/// test? Embeddings of the ImageNet ResNet at 112 pixels, the nearest class mean as the answer; halves of the test part drawn anew each
/// time.</summary>
internal static class DriftFound
{
    private const int Draws = 100, Reference = 200, EveryTh = 2;

    public static int Run(string[] arguments)
    {
        foreach (var name in arguments.Length > 0 ? arguments : ["grocery", "caltech101"])
            Measure(name);
        return 0;
    }

    private static void Measure(string name)
    {
        using var scope = NewDisposeScope();
        var start = StartingPoint.Choose(new HubOptions(), training: null, null, CancellationToken.None);
        var model = new ImageClassifier(ModelRegistry.Create(start.Model, seed: 0, inputSize: 112), classes: 1);
        InitialWeights.Find(start.Weights, start.Model, new HubOptions(), null, CancellationToken.None).Into(model, keepHead: false, null);
        model.eval();
        var input = new InputShape(model.Backbone.Info.Channels, 112, model.Backbone.Info.Mean, model.Backbone.Info.Std);
        EmbeddingSet Embed(IImageDataset images)
        {
            using var outputs = ModelOutputs.Of(model, images, TransformPreset.Find("none").Evaluation(input), CPU, new LoaderOptions());
            return EmbeddingSet.Of(outputs.Embeddings, outputs.Labels, images.Classes);
        }
        IImageDataset Part(string part, Func<Image8, Image8>? change = null) =>
            new Some(DatasetCatalog.Open($"{name}:{part}", null, new()), change);
        var (train, test) = (Embed(Part("train")), Embed(Part("test")));
        var changed = new (string What, EmbeddingSet Set)[]
        {
            ("as it was", test), ("blurred, 1 % of the width", Embed(Part("test", Blurred))),
            ("half as bright", Embed(Part("test", image => new(image.Width, image.Height, image.Channels,
                [.. image.Pixels.Select(v => (byte)(v / 2))])))),
        };
        // A tenth of the classes is new: the model knows none of their images.
        var isNew = Enumerable.Range(0, train.Classes.Count).Select(c => c % 10 == 3).ToArray();
        var known = train.Rows([.. Enumerable.Range(0, train.Count).Where(i => !isNew[train.Labels[i]])]);
        int[] old = [.. Enumerable.Range(0, test.Count).Where(i => !isNew[test.Labels[i]])];
        int[] fresh = [.. Enumerable.Range(0, test.Count).Where(i => isNew[test.Labels[i]])];
        var prototypes = Prototypes.Of(known.Values, known.Width, known.Labels, known.Classes.Count);

        Observed Look(IEnumerable<(EmbeddingSet Set, int Row)> rows)
        {
            var some = rows.ToList();
            var set = new EmbeddingSet([.. some.SelectMany(r => r.Set.Row(r.Row).ToArray())], known.Width, [.. some.Select(r =>
                r.Set.Labels[r.Row])], known.Classes);
            return new(set.Values, set.Width, [.. KnownImages.Distances([new(known, set)])], [.. Enumerable.Range(0, set.Count)
                .Select(i => prototypes.Cosines(set.Row(i))).Select(cosines => Array.IndexOf(cosines, cosines.Max()))]);
        }
        foreach (var incoming in (int[])[50, 200])
            foreach (var (what, share) in changed.Select(c => (c.What, 0.0)).Append(("20 % of new classes", 0.2)))
            {
                var found = new Dictionary<string, int> { ["any"] = 0 };
                for (var draw = 0; draw < Draws; draw++)
                {
                    var random = new SampleRandom(draw, incoming);
                    random.Shuffle<int>(old);
                    random.Shuffle<int>(fresh);
                    var (set, news) = (changed.FirstOrDefault(c => c.What == what).Set ?? test, (int)(share * incoming));
                    var came = old[Reference..][..(incoming - news)].Select(i => (set, i)).Concat(fresh[..news].Select(i => (test, i)));
                    var report = DriftReport.Of(Look(old[..Reference].Select(i => (test, i))), Look(came), Threshold(), 0.05, draw);
                    found["any"] += report.Drifted ? 1 : 0;
                    foreach (var test_ in report.Tests)
                        found[test_.Name] = found.GetValueOrDefault(test_.Name) + (report.Found(test_) ? 1 : 0);
                }
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}, {incoming} images, {what}: drifted in " +
                    $"{string.Join(", ", found.Select(f => $"{f.Value} of {Draws} by {f.Key}"))}"));
            }

        double Threshold()
        {
            int[] rest = old[(Reference + 200)..];
            return KnownImages.Distances([new(known, test.Rows(rest))]).Order().ElementAt((int)(0.95 * rest.Length));
        }
    }

    private static Image8 Blurred(Image8 image)
    {
        using var bitmap = ImageEncoder.Bitmap(image);
        using var surface = SKSurface.Create(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var paint = new SKPaint { ImageFilter = SKImageFilter.CreateBlur(0.01f * image.Width, 0.01f * image.Width) };
        using var source = SKImage.FromBitmap(bitmap);
        surface.Canvas.DrawImage(source, 0, 0, SKSamplingOptions.Default, paint);
        using var pixels = surface.PeekPixels();
        var rgb = new byte[image.Width * image.Height * 3];
        var rgba = pixels.GetPixelSpan();
        for (var i = 0; i < image.Width * image.Height; i++)
            rgba.Slice(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        return new(image.Width, image.Height, 3, rgb);
    }

    /// <summary>Every second image of a set, changed.</summary>
    private sealed class Some(IImageDataset all, Func<Image8, Image8>? change) : IImageDataset
    {
        public string Name => all.Name;
        public IReadOnlyList<string> Classes => all.Classes;
        public int Count => all.Count / EveryTh;
        public int LabelOf(int index) => all.LabelOf(EveryTh * index);
        public string NameOf(int index) => all.NameOf(EveryTh * index);
        public Image8 Read(int index) => (change ?? (image => image))(all.Read(EveryTh * index));
    }
}
