using System.Text.Json;
using Schane.Export;
using Schane.Inference;
using Schane.Models;
using Schane.Runs;
using Schane.Tests.Data;
using static TorchSharp.torch;

namespace Schane.Tests.Cli;

/// <summary>A run leaves as an ONNX file that is proved to be the same, or not at all.</summary>
[Trait("Long", "1")]
public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Onnx => Path.Combine(folder.Path, "model.onnx");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_trained_run_becomes_a_file_with_its_certificate_classes_and_recipe()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "1")).Done();
        var ended = SchaneProgram.Run("export", photos.Run, "--onnx", Onnx, "--json").Done();

        var document = ended.Document();
        var parity = document.GetProperty("parity");
        Assert.True(parity.GetProperty("passed").GetBoolean());
        Assert.Equal(64, parity.GetProperty("inputs").GetInt32());
        Assert.Equal("the run's data and look-alikes", parity.GetProperty("source").GetString());
        Assert.Equal(new FileInfo(Onnx).Length, document.GetProperty("bytes").GetInt64());
        Assert.Contains("parity on 64 images", ended.Errors);

        using var model = OnnxModel.Open(Onnx, 1);
        Assert.Equal(["blue", "red"], model.Classes);
        Assert.Contains("steps: 1", model.Metadata["recipe"]);
        Assert.DoesNotContain(photos.Root, string.Join(' ', model.Metadata.Values));
        Assert.Equal(1, JsonDocument.Parse(model.Metadata["parity"]).RootElement.GetProperty("top1_agreement").GetDouble());
        Assert.Equal(["model.onnx"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Without_its_data_the_certificate_says_that_look_alikes_took_their_place()
    {
        var run = Run();
        Assert.Contains("look-alikes, since the run's data can't be opened",
            SchaneProgram.Run("export", run, "--onnx", Onnx, "--normalize", "--opset", "20").Done().Output);
        Assert.Contains("look-alikes, since there is no run", SchaneProgram.Run("export", Path.Combine(run, "model.safetensors"), "--onnx",
            Onnx, "--store", "float16", "--force").Done().Output);
        using var photos = new Photos(("red", 70));
        Assert.Contains("64 images (of --inputs)",
            SchaneProgram.Run("export", run, "--onnx", Onnx, "--force", "--inputs", photos.Data).Done().Output);
    }

    [Fact]
    public void A_file_that_does_not_agree_with_the_model_is_a_failure_and_is_not_left()
    {
        var run = Run(model =>
        {
            using var _ = no_grad();
            model.StateDict()["fc.weight"].fill_(1e6);                    // more than float16 holds
        });
        var sentence = SchaneProgram.Run("export", run, "--onnx", Onnx, "--store", "float16").Refusal(exitCode: 1);
        Assert.StartsWith(
            "The exported model does not agree with the trained one, so no file was left: no parity on 64 images", sentence);
        Assert.Equal(["run"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void What_can_not_be_written_is_refused_before_the_work_begins()
    {
        var run = Run();
        File.WriteAllText(Onnx, "mine");
        string Refused(params string[] flags) => SchaneProgram.Run(["export", run, .. flags]).Refusal();
        Assert.Contains("is there already; replace it with --force", Refused("--onnx", Onnx));
        Assert.Contains("is a folder; name a file with --onnx", Refused("--onnx", folder.Path));
        Assert.Contains("The folder of", Refused("--onnx", Path.Combine(folder.Path, "nowhere", "model.onnx")));
        Assert.Contains("The folder of", Refused("--onnx", Path.Combine(Onnx, "model.onnx")));
        Assert.Contains("The opset must lie between 17 and 22 but is 16", Refused("--onnx", Onnx, "--force", "--opset", "16"));
        Assert.Contains("--store must be float32, float16, bfloat16 or int8 but is 'int4'",
            Refused("--onnx", Onnx, "--force", "--store", "int4"));
        Assert.Contains("needs 64 images, but --inputs has 1", Refused("--onnx", Onnx, "--force", "--inputs", Onnx));
        Assert.Contains("There is no run folder",
            SchaneProgram.Run("export", Path.Combine(folder.Path, "nowhere"), "--onnx", Onnx, "--force").Refusal());
        Assert.Equal("mine", File.ReadAllText(Onnx));
        if (OperatingSystem.IsLinux())
            Assert.Contains("'/proc/model.onnx' can't be written", Refused("--onnx", "/proc/model.onnx"));   // not even by root
    }

    [Fact, Trait("Slow", "1")]
    public void In_int8_the_file_says_what_it_costs_and_gains()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(photos.Train("--steps", "2")).Done();
        var ended = SchaneProgram.Run("export", photos.Run, "--onnx", Onnx, "--store", "int8", "--int8-limit", "1", "--json").Done();

        Assert.Contains("In float32: parity on 64 images", ended.Errors);
        Assert.Contains("points of top-1", ended.Errors);
        var cost = ended.Document().GetProperty("int8");
        Assert.Equal("the run's test part", cost.GetProperty("source").GetString());
        Assert.Equal(new FileInfo(Onnx).Length, ended.Document().GetProperty("bytes").GetInt64());
        Assert.InRange(cost.GetProperty("int8_bytes").GetDouble() / cost.GetProperty("bytes").GetDouble(), 0.2, 0.4);
        Assert.InRange(cost.GetProperty("images_per_second").GetDouble(), 0.1, 1e6);

        using var model = OnnxModel.Open(Onnx, 1);
        Assert.Equal("int8", model.Metadata["weights"]);
        Assert.Equal(cost.GetProperty("top1").GetDouble(),
            JsonDocument.Parse(model.Metadata["int8"]).RootElement.GetProperty("top1").GetDouble());
        using var trained = RunModel.Load(RunFolder.Open(photos.Run).Model, "cpu");
        Assert.Equal(trained.Confidence?.ToJson(), model.Metadata.GetValueOrDefault("confidence"));
        Assert.Equal(["model.onnx"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
        Assert.Contains("red", SchaneProgram.Run("predict", Onnx, Path.Combine(photos.Data, "red", "3.png")).Done().Output);
    }

    [Fact]
    public void Int8_without_images_of_the_run_is_refused()
    {
        var run = Run();
        string Refused(string from, params string[] flags) =>
            SchaneProgram.Run(["export", from, "--onnx", Onnx, "--store", "int8", .. flags]).Refusal();
        Assert.Contains("Int8 takes its ranges from the run's own images, and these can't be opened: ", Refused(run));
        Assert.Contains("name the run folder, or store float16", Refused(Path.Combine(run, "model.safetensors")));
        Assert.Contains("leave --inputs out", Refused(run, "--inputs", run));
        Assert.Contains("Int8Limit must lie between 0 and 1 but is 2", Refused(run, "--int8-limit", "2"));
        Assert.Equal(["run"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    /// <summary>A finished run of two classes without data, its weights as <paramref name="change"/> leaves them.</summary>
    private string Run(Action<ImageClassifier>? change = null)
    {
        var run = RunFolder.Create(Path.Combine(folder.Path, "run"), force: false);
        using var model = new RunModel(new ImageClassifier(ModelRegistry.Create("schane_tiny", 1, inputSize: 32), 2), ["a", "b"], "none");
        change?.Invoke(model.Classifier);
        model.Save(run.Model);
        return run.Root;
    }
}
