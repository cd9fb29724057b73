using Schane.Checkpoints;
using Schane.Inference;
using Schane.Tests.Data;
using static TorchSharp.torch;

namespace Schane.Tests.Inference;

[Collection(TrainedRunTests.Name)]
public sealed class ModelFileTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("classes", "[]", "names no classes")]
    [InlineData("classes", "{", "is damaged: its classes must be a list of names")]
    [InlineData("classes", null, "has no 'classes' in its metadata")]
    [InlineData("architecture", "resnet1001",
        "has the architecture 'resnet1001' of schane 0.1.0, which version 0.1.0 does not know; update schane, or, if it is your own, " +
        "make it known with ModelRegistry.Register first.")]
    [InlineData("input_size", "large", "says 'large' for 'input_size', which must be a whole number")]
    [InlineData("confidence", "{", "its confidence can't be read")]
    public void A_model_file_that_is_not_whole_is_refused_by_what_is_wrong(string key, string? value, string sentence)
    {
        var path = Path.Combine(folder.Path, "model.safetensors");
        using (var scope = NewDisposeScope())
        using (var file = Safetensors.Open(Path.Combine(run.Folder, "model.safetensors")))
        {
            var metadata = file.Metadata.ToDictionary();
            metadata.Remove(key);
            if (value is not null)
                metadata[key] = value;
            Safetensors.Write(path, file.Names.ToDictionary(name => name, file.Read), metadata);
        }
        Assert.Contains(sentence, Assert.Throws<SchaneException>(() => Classifier.Load(path)).Message);
    }

    [Fact]
    public void A_file_that_is_no_model_is_refused()
    {
        Assert.ThrowsAny<SchaneException>(() => Classifier.Load(run.Red));
        Assert.Contains("There is no run",
            Assert.Throws<SchaneException>(() => Classifier.Load(Path.Combine(folder.Path, "nowhere"))).Message);
        Assert.Contains("no run.json", Assert.Throws<SchaneException>(() => Classifier.Load(folder.Path)).Message);
    }
}
