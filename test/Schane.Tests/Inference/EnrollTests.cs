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
        var classes = new EnrolledClasses(["new"], new([1, 0, 0, 1, half, half], 2), Temperature: 0.5, Threshold: 0.8);
        var (found, unknown) = classes.Answer([2, 0], [0.75, 0.25]);
        double[] near = [Math.Exp(1 / 0.5), Math.Exp(0), Math.Exp(half / 0.5)];
        var share = near[2] / near.Sum();
        Assert.Equal([0.75 * (1 - share), 0.25 * (1 - share), share], found.Select(p => p), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.False(unknown);
        Assert.True(classes.Answer([-1, 0.1f], [0.75, 0.25]).Unknown);
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

        Assert.Contains("'green' exists already", SchaneProgram.Run("enroll", copy, "--class", "green", green[0]).Refusal());
        Assert.Contains("'red' exists already", SchaneProgram.Run("enroll", copy, "--class", "red", green[0]).Refusal());
        Assert.Contains("holds no image",
            SchaneProgram.Run("enroll", copy, "--class", "x", Directory.CreateDirectory(Path.Combine(copy, "empty")).FullName).Refusal());
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
