using Schane.Inference;
using Schane.Jobs;
using Schane.Tests.Cli;
using Schane.Tests.Data;

namespace Schane.Tests.Inference;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class EnrollTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Two trained classes at 0° and 90°, one enrolled at 45°; by the softmax of cosines / T.
    [Fact]
    public void The_enrolled_class_gets_its_share_by_cosine_and_the_rest_is_divided_as_before()
    {
        var half = MathF.Sqrt(0.5f);
        var classes = new EnrolledClasses(["new"], [half, half], [0], new([1, 0, 0, 1], 2), Temperature: 0.5, Threshold: 0.8);
        var (found, isNear) = classes.Answer([2, 0], [0.75, 0.25]);
        Assert.False(isNear);                                             // cosine 0.71; to a trained class it does not matter
        Assert.True(classes.Answer([2, 1.5f], [0.75, 0.25]).IsNear);
        double[] near = [Math.Exp(1 / 0.5), Math.Exp(0), Math.Exp(half / 0.5)];
        var share = near[2] / near.Sum();
        Assert.Equal([0.75 * (1 - share), 0.25 * (1 - share), share], found.Select(p => p), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void A_prototype_is_the_unit_mean_of_unit_embeddings()
    {
        var found = Prototypes.Of([3, 0, 0, 5, 0, 0], 2, [0, 0, 1], 3);
        Assert.Equal([MathF.Sqrt(0.5f), MathF.Sqrt(0.5f), 0, 0, 0, 0], found.Values, (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void An_enrolled_class_is_recognised_after_it_and_the_others_as_before()
    {
        var copy = run.CopyTo(folder.Path);
        string[] green = [.. Enumerable.Range(0, 3)
            .Select(i => folder.Write($"green{i}.png", Pictures.Flat(40, 40, 10, (byte)(230 + 5 * i), 10)))];
        using (var before = Classifier.Load(copy))
            Assert.Equal(2, before.Classes.Count);
        var said = SchaneProgram.Run(["enroll", copy, "--class", "green", .. green]).Done().Output;
        Assert.Contains("Class 'green' is known from 3 images", said);
        Assert.Contains("To expect: ", said);
        using var after = Classifier.Load(copy);
        Assert.Equal("green", after.Classes[2]);
        Assert.Equal("green", after.Predict(green[1]).Top[0].Class);
        Assert.Equal("red", after.Predict(run.Red).Top[0].Class);
        Assert.Equal("blue", after.Predict(run.Blue).Top[0].Class);
        Assert.Equal(1, after.Predict(run.Red).Top.Sum(t => t.Probability), 1e-6);

    }

    [Fact]
    [Trait("Slow", "1")]
    public void An_enrolled_class_can_get_more_images_be_listed_and_be_removed()
    {
        var copy = run.CopyTo(folder.Path);
        string[] green = [.. Enumerable.Range(0, 3)
            .Select(i => folder.Write($"green{i}.png", Pictures.Flat(40, 40, 10, (byte)(200 + 25 * i), 10)))];
        string[] violet = [folder.Write("violet.png", Pictures.Flat(40, 40, 105, 30, 155))];
        Assert.Contains("No class was enrolled.", SchaneProgram.Run("enroll", copy, "--list").Done().Errors);
        EnrollJob.Run(copy, "green", green);
        var atOnce = File.ReadAllBytes(Path.Combine(copy, "enrolled.safetensors"));
        EnrollJob.Remove(copy, "green");
        Assert.Equal(2, Answers().Count);

        EnrollJob.Run(copy, "green", green[..1]);
        var said = SchaneProgram.Run(["enroll", copy, "--class", "green", .. green[1..]]).Done().Output;
        Assert.Contains("Class 'green' is known from 3 images, 2 of them new", said);
        Assert.Equal(atOnce, File.ReadAllBytes(Path.Combine(copy, "enrolled.safetensors")));
        Assert.Equal("green", Answers()[2]);
        var before = Answer(green[1]);
        EnrollJob.Run(copy, "violet", violet);
        var listed = SchaneProgram.Run("enroll", copy, "--list", "--json").Done().Document().EnumerateArray()
            .Select(c => (c.GetProperty("class").GetString(), c.GetProperty("images").GetInt32()));
        Assert.Equal([("green", 3), ("violet", 1)], listed);
        Assert.Contains("violet", SchaneProgram.Run("enroll", copy, "--list").Done().Output);
        Assert.Contains("'violet' is gone", SchaneProgram.Run("enroll", copy, "--remove", "violet").Done().Output);
        Assert.Equal(before, Answer(green[1]));                           // as if it had never been there
        SchaneProgram.Run("enroll", copy, "--remove", "green").Done();
        Assert.False(File.Exists(Path.Combine(copy, "enrolled.safetensors")));

        List<string> Answers()
        {
            using var classifier = Classifier.Load(copy);
            return [.. classifier.Classes];
        }

        IReadOnlyList<ClassProbability> Answer(string image)
        {
            using var classifier = Classifier.Load(copy);
            return classifier.Predict(image).Top;
        }
    }

    [Trait("Slow", "1")]
    [Fact]
    public void What_can_not_be_enrolled_listed_or_removed_is_refused_in_one_sentence()
    {
        var copy = run.CopyTo(folder.Path);
        string Refusal(params string[] flags) => SchaneProgram.Run(["enroll", copy, .. flags]).Refusal();
        var empty = Directory.CreateDirectory(Path.Combine(copy, "empty")).FullName;
        Assert.Contains("'red' is one that run", Refusal("--class", "red", run.Red));
        Assert.Contains("holds no image", Refusal("--class", "x", empty));
        Assert.Contains("'x' needs at least one image", Refusal("--class", "x"));
        Assert.Contains("needs one of the three", Refusal());
        Assert.Contains("needs one of the three", Refusal("--list", "--remove", "x"));
        Assert.Contains("take no images", Refusal("--list", run.Red));
        Assert.Contains("was not enrolled in run", Refusal("--remove", "red"));
        EnrollJob.Run(copy, "violet", [run.Red]);
        Assert.Contains("did you mean 'violet'", Refusal("--remove", "violett"));
        Assert.Equal(["violet"], EnrollJob.List(copy).Select(c => c.Key));
        File.WriteAllBytes(Path.Combine(copy, "enrolled.safetensors"), File.ReadAllBytes(Path.Combine(copy, "known.safetensors")));
        Assert.Contains("is damaged", Refusal("--list"));
    }

    [Fact]
    public void A_held_out_class_enrolled_from_its_images_would_be_found_as_often_as_is_promised()
    {
        var copy = run.CopyTo(folder.Path);
        var found = EnrollJob.Run(copy, "violet", [folder.Write("violet.png", Pictures.Flat(40, 40, 105, 30, 155))]);
        Assert.Null(found.LeftOut);
        Assert.InRange(found.Expected, 0.5, 1);                           // flat colours are told apart by their prototypes
        Assert.InRange(found.Threshold, -1, 1);
        Assert.True(found.ExpectedFrom > 0);
    }

    [Fact]
    public void A_run_without_embeddings_or_held_out_images_can_not_enrol()
    {
        var copy = run.CopyTo(folder.Path);
        File.Delete(Path.Combine(copy, "embeddings.safetensors"));
        Assert.Contains("embeddings.safetensors", Assert.Throws<SchaneException>(() => EnrollJob.Run(copy, "x", [run.Red])).Message);
        Assert.Contains("needs a name", Assert.Throws<SchaneException>(() => EnrollJob.Run(copy, " ", [run.Red])).Message);
    }
}
