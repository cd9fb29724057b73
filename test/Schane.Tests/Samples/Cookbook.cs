using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML;
using Schane.Data.Feeding;
using Schane.Inference;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Tests.Samples;

/// <summary>The code of docs/cookbook.md, which <see cref="DocumentationTests"/> compares.</summary>
internal static class Cookbook
{
    public static RunResults Train(string photos, string runFolder)
    {
        // <sample Train on a folder, with progress and a way to stop>
        using var stop = new CancellationTokenSource();
        var recipe = new Recipe { Data = photos, Loss = new SupConLoss(), Temperature = 0.07, Steps = 20, Threads = 1 };
        var progress = new Progress<TrainingProgress>(moment => Console.WriteLine($"{moment.Step}/{moment.Steps} {moment.Loss:F3}"));
        // Stopping saves; TrainJob.Resume goes on.
        var (run, results) = TrainJob.Run(recipe, new() { Folder = runFolder, Progress = progress }, stop.Token);
        Console.WriteLine($"{results.Metrics["top1"]:P1}, see {run.Report}");
        // </sample>
        return results;
    }

    public static string? Predict(string runFolder, string image)
    {
        // <sample What does an image show?>
        using var classifier = Classifier.Load(runFolder);                // a run, model.safetensors or an exported .onnx
        using var stream = File.OpenRead(image);
        var answer = classifier.Predict(stream, new PredictOptions { Top = 3 });
        foreach (var guess in answer.Top)
            Console.WriteLine($"{guess.Class} {guess.Probability:P1}");
        // </sample>
        return answer.Class;
    }

    public static List<Prediction> PredictMany(string runFolder, string folder)
    {
        // <sample Many files, only answers that are right nine times in ten>
        using var classifier = Classifier.Load(runFolder, new InferenceOptions { Batch = 64 });
        var wanted = new PredictOptions { AbstainBelow = 0.9, OnBadImage = OnBadImage.Skip };
        var answers = classifier.PredictFiles(ImageFiles.Find([folder]), wanted).ToList();
        foreach (var answer in answers)
            Console.WriteLine($"{answer.Image}: {answer.Class ?? answer.Problem ?? "not sure"}");
        // </sample>
        return answers;
    }

    public static async Task<double> Similar(string runFolder, string one, string other)
    {
        // <sample How alike are two images?>
        using var classifier = Classifier.Load(runFolder);
        await using var a = File.OpenRead(one);
        await using var b = File.OpenRead(other);
        var cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(classifier.Embed(a), classifier.Embed(b));
        // </sample>
        return cosine;
    }

    public static ServiceProvider Services(string runFolder)
    {
        // <sample In a program with dependency injection>
        var services = new ServiceCollection();
        services.AddSchane(runFolder);                                    // one Classifier for the whole program, opened at its first use
        var provider = services.BuildServiceProvider();
        var classifier = provider.GetRequiredService<Classifier>();
        // </sample>
        Assert.NotNull(classifier);
        return provider;
    }

    public static Enrolment Enroll(string runFolder, string[] images)
    {
        // <sample A class more, without training>
        var enrolment = EnrollJob.Run(runFolder, "lynx", images);
        Console.WriteLine($"expect {enrolment.Expected:P0}; with a cosine of {enrolment.Threshold:F2} to it an image is not unknown");
        // </sample>
        return enrolment;
    }

    public static IDataView ScoreInMlNet<T>(string onnx, IEnumerable<T> rows) where T : class
    {
        // <sample An exported file in ML.NET>
        var context = new MLContext();
        // Rows of a class with [ColumnName("images"), VectorType(3, 16, 16)] float[].
        var images = context.Data.LoadFromEnumerable(rows);
        // The batch is free in the file; ML.NET asks one row at a time and wants to know that.
        var shapes = new Dictionary<string, int[]> { ["images"] = [1, 3, 16, 16], ["logits"] = [1, 7], ["embedding"] = [1, 12] };
        var pipeline = context.Transforms.ApplyOnnxModel(["logits", "embedding"], ["images"], onnx, shapes,
            gpuDeviceId: null, fallbackToCpu: false);
        var scored = pipeline.Fit(images).Transform(images);
        // </sample>
        return scored;
    }

    public static double Loss()
    {
        // <sample The objective alone, in your own training loop>
        using var scope = NewDisposeScope();
        var embeddings = randn(8, 16, requires_grad: true);               // [N, D], normalised inside
        var logits = randn(8, 4, requires_grad: true);                    // [N, C]
        var labels = tensor(new long[] { 0, 0, 1, 1, 2, 2, 3, 3 });
        var objective = new JointObjective(new JointOptions { Loss = new SchaneLoss(), Lambda = 0.9 });
        using var loss = objective.Compute(embeddings, logits, labels);
        embeddings.backward([loss.EmbeddingGradient!]);                   // the loss stands at the embeddings; your model's graph goes on
        logits.backward([loss.LogitGradient!]);
        Console.WriteLine($"{loss.Total:F3} = 0.1 · {loss.CrossEntropy:F3} + 0.9 · {loss.Contrastive:F3}");
        // </sample>
        return loss.Total;
    }

    internal static class Losses
    {
        // <sample A loss of your own>
        public sealed record MarginPairLoss : ContrastiveLoss                  // Hadsell et al. 2006, on cosines
        {
            public override string Name => "margin-pairs";                     // `loss: margin-pairs` in a recipe

            public double Margin { get; init; } = 0.5;                         // a setting: `margin: 0.4` in a recipe, or Recipe.Margin

            public override Tensor Compute(Tensor embeddings, Tensor labels)   // [N, D], [N]
            {
                using var scope = NewDisposeScope();
                var units = nn.functional.normalize(embeddings, dim: 1);
                var cosine = units.matmul(units.t());                          // [N, N]
                var same = labels.unsqueeze(0) == labels.unsqueeze(1);
                var self = eye(labels.shape[0], dtype: ScalarType.Bool, device: labels.device);
                var pull = (1 - cosine.masked_select(same & ~self)).mean();    // NaN without positives, at which training stops; never 0
                var push = (cosine.masked_select(~same) - Margin).relu().mean();
                return (pull + push).MoveToOuterDisposeScope();
            }
        }
        // </sample>
    }
}
