using System.Security.Cryptography;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Planning;
using Schane.Tests.Checkpoints;
using Schane.Tests.Data;
using Schane.Tests.Models;
using Schane.Tests.Support;

namespace Schane.Tests.Cli;

/// <summary>Weights through the command line: files, runs, downloads, and what a run keeps of them.</summary>
[Trait("Long", "1")]
public class WeightsTests
{
    private const string Model = "vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3",
        Commit = "0123456789abcdef0123456789abcdef01234567", Token = "hf_verysecrettoken";

    private static readonly string Pth = GoldenFolder.At("models", "vit_cls.pth");

    private static string Hash => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Pth)));

    [Fact]
    [Trait("Slow", "1")]
    public void A_pth_file_is_fine_tuned_into_a_model_with_the_names_and_shapes_of_timm()
    {
        using var photos = new Photos([.. Enumerable.Range(0, 10).Select(c => ($"class{c}", 6))]);
        var ended = SchaneProgram.Run(Train(photos, Pth)).Done();
        Assert.Contains("./vit_cls.pth: 30 tensors used, 2 begin anew (head.weight, head.bias), 2 of the file left out (head.weight, " +
            "head.bias).", ended.Errors);

        using var golden = GoldenModel.Open("vit_cls").Weights();
        using var model = Safetensors.Open(Path.Combine(photos.Run, "model.safetensors"));
        Assert.Equal(Shapes(golden), Shapes(model));
        Assert.Equal(("./vit_cls.pth", Hash, Model),
            (model.Metadata["weights"], model.Metadata["weights_sha256"], model.Metadata["architecture"]));
        Assert.Contains("weights: ./vit_cls.pth", File.ReadAllText(Path.Combine(photos.Run, "recipe.yaml")));
        var file = Start(photos).GetProperty("weights_files")[0];
        Assert.Equal(("vit_cls.pth", Hash), (file.GetProperty("name").GetString(), file.GetProperty("sha256").GetString()));
        SchaneProgram.Run("evaluate", photos.Run).Done();

        // A run is a source of weights too, and positions fit another input size.
        using var others = Photos.OfTwoClasses();
        Assert.Contains("1 made to fit (pos_embed [1, 17, 48] → [1, 26, 48])",
            SchaneProgram.Run(Train(others, photos.Run, "--input-size", "40")).Done().Errors);
    }

    [Theory]
    [Trait("Slow", "1")]
    [InlineData("vit_cls_legacy.pth", "vit_small_patch16_224:patch=8,width=24,depth=1,heads=2")]
    [InlineData("beit3.pth", "beit3_base_patch16_224:patch=8,width=48,depth=2,heads=3")]
    public void Pth_files_of_other_forms_and_names_are_taken(string file, string model)
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains(" tensors used, 2 begin anew",
            SchaneProgram.Run(Train(photos, GoldenFolder.At("models", file), "--model", model)).Done().Errors);

        // The run has timm's names, whatever the file had.
        using (var trained = Safetensors.Open(Path.Combine(photos.Run, "model.safetensors")))
            Assert.Contains("blocks.0.attn.qkv.weight", trained.Names);
        SchaneProgram.Run("evaluate", photos.Run).Done();
    }

    [Fact, Trait("Slow", "1")]
    public void A_model_of_the_hub_is_fetched_pinned_and_found_again_without_a_network_and_the_token_is_written_nowhere()
    {
        using var photos = Photos.OfTwoClasses();
        using var server = Hub();
        (string, string)[] environment = [("HF_ENDPOINT", server.Address.ToString()), ("HF_TOKEN", Token),
            ("SCHANE_CACHE", Path.Combine(photos.Root, "cache"))];
        var first = SchaneProgram.RunWith(environment, Train(photos, "hf:some/vit", "--verbose")).Done();
        Assert.Contains("fetch pytorch_model.bin (MB)", first.Errors);
        Assert.Contains(server.Snapshot(), r => r.Headers.GetValueOrDefault("Authorization") == $"Bearer {Token}");

        var pinned = $"hf:some/vit@{Commit}/pytorch_model.bin";
        using (var model = Safetensors.Open(Path.Combine(photos.Run, "model.safetensors")))
            Assert.Equal((pinned, Commit, Hash),
                (model.Metadata["weights"], model.Metadata["weights_revision"], model.Metadata["weights_sha256"]));
        Assert.Contains(pinned, File.ReadAllText(Path.Combine(photos.Run, "recipe.yaml")));
        Assert.Equal(Commit, Start(photos).GetProperty("weights_revision").GetString());
        NowhereIn(photos.Root, Token, first);

        var asked = server.Snapshot().Length;
        NowhereIn(photos.Root, Token,
            SchaneProgram.RunWith(environment, Train(photos, "hf:some/vit", "--offline", "--force", "--verbose")).Done());
        SchaneProgram.RunWith(environment, Train(photos, pinned, "--force")).Done();
        SchaneProgram.RunWith(environment, "train", "--resume", photos.Run).Done();
        Assert.Equal(asked, server.Snapshot().Length);
        Assert.Contains("--offline", SchaneProgram.RunWith(environment, Train(photos, "hf:other/vit", "--offline", "--force")).Refusal());
    }

    [Theory]
    [InlineData(401)]
    [InlineData(404, Traits = ["Slow", "1"])]
    [InlineData(429, Traits = ["Slow", "1"])]
    [InlineData(500, Traits = ["Slow", "1"])]
    public void A_refusal_or_failure_shows_no_token_and_no_query(int status)
    {
        using var photos = Photos.OfTwoClasses();
        using var server = new LoopbackServer(r => r.HeadAsync(status, ("Content-Length", "0"), ("Retry-After", "0")));
        (string, string)[] environment = [("HF_ENDPOINT", server.Address.ToString()), ("HF_TOKEN", Token),
            ("SCHANE_CACHE", Path.Combine(photos.Root, "cache"))];
        foreach (var reference in (string[])["hf:some/vit", $"{server.Address}w.bin?signature={Token}"])
        {
            var ended = SchaneProgram.RunWith(environment, Train(photos, reference, "--verbose"));
            Assert.NotEqual(0, ended.ExitCode);
            Assert.Contains(status == 404 ? "does not exist" : $"HTTP {status}", ended.Errors);
            NowhereIn(photos.Root, Token, ended);
        }
    }

    [Fact]
    [Trait("Slow", "1")]
    public void An_address_is_kept_without_its_query_but_with_its_hash()
    {
        using var photos = Photos.OfTwoClasses();
        using var server = new LoopbackServer(r => r.FileAsync(File.ReadAllBytes(Pth)));
        (string, string)[] environment = [("SCHANE_CACHE", Path.Combine(photos.Root, "cache"))];
        var ended = SchaneProgram.RunWith(environment, Train(photos, $"{server.Address}w.bin?signature={Token}", "--verbose")).Done();
        NowhereIn(photos.Root, Token, ended);
        Assert.Contains($"{server.Address}w.bin#sha256={Hash}", File.ReadAllText(Path.Combine(photos.Run, "recipe.yaml")));
        SchaneProgram.RunWith(environment, "train", "--resume", photos.Run).Done();
    }

    [Fact]
    [Trait("Slow", "1")]
    public void A_run_does_not_go_on_with_weights_that_have_changed()
    {
        using var photos = Photos.OfTwoClasses();
        var weights = Path.Combine(photos.Root, "mine.pth");
        File.Copy(Pth, weights);
        SchaneProgram.Run(Train(photos, weights)).Done();
        var bytes = File.ReadAllBytes(weights);
        bytes[^5] ^= 1;
        File.SetAttributes(weights, FileAttributes.Normal);
        File.WriteAllBytes(weights, bytes);
        Assert.Contains("have changed since the run began", SchaneProgram.Run("train", "--resume", photos.Run).Refusal());
    }

    [Theory]
    [InlineData("hf_two\nlines", null, "HF_TOKEN")]
    [InlineData("hf_plain", "http://example.org", "HF_ENDPOINT")]
    [InlineData("hf_plain", "no address", "HF_ENDPOINT")]
    public void A_token_or_endpoint_that_is_none_is_refused_without_showing_the_token(string token, string? endpoint, string named)
    {
        using var photos = Photos.OfTwoClasses();
        var ended = SchaneProgram.RunWith([("HF_TOKEN", token), ("HF_ENDPOINT", endpoint ?? "http://127.0.0.1:1")],
            Train(photos, "hf:some/vit", "--verbose"));
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(named, ended.Errors);
        Assert.DoesNotContain("hf_", ended.Errors);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void The_password_of_a_proxy_is_not_shown()
    {
        using var photos = Photos.OfTwoClasses();
        using var proxy = new LoopbackServer(r => r.HeadAsync(407, ("Content-Length", "0")));
        var ended = SchaneProgram.RunWith([("HTTPS_PROXY", $"http://user:{Token}@127.0.0.1:{proxy.Port}"),
            ("HF_ENDPOINT", "https://hub.invalid"), ("SCHANE_CACHE", photos.Root)], Train(photos, "hf:some/vit", "--verbose"));
        Assert.NotEqual(0, ended.ExitCode);
        Assert.NotEmpty(proxy.Snapshot());
        Assert.Contains("the proxy refuses", ended.Errors);
        Assert.DoesNotContain(Token, ended.Errors);
    }

    [Theory, Trait("Slow", "1"), Needs(Needs.Omniglot)]
    [InlineData("resnet18")]
    [InlineData("vit_tiny_patch16_224")]
    public void Drawings_of_one_channel_train_a_net_of_three_from_random_weights(string model)
    {
        var data = Environment.GetEnvironmentVariable("SCHANE_DATA");
        using var folder = new TemporaryFolder();
        var run = Path.Combine(folder.Path, "run");
        var ended = SchaneProgram.Run("train", "--data", "omniglot:small1", "--model", model, "--input-size", "32",
            "--labels-per-class", "2", "--steps", "2", "--classes-per-batch", "4", "--images-per-class", "2", "--out", run).Done();
        Assert.Contains("random weights; --weights default takes hf:timm/", ended.Errors);
        using var file = Safetensors.Open(Path.Combine(run, "model.safetensors"));
        Assert.Equal(("3", "none"), (file.Metadata["channels"], file.Metadata["weights"]));
    }

    [Theory]
    [InlineData("hf:a/b@0123456789abcdef0123456789abcdef01234567/model.safetensors", "hf:a/b", true)]
    [InlineData("hf:a/b@0123456789abcdef0123456789abcdef01234567/model.safetensors", "hf:a/b@v1/model.safetensors", true)]
    [InlineData("hf:a/b@0123456789abcdef0123456789abcdef01234567/model.safetensors",
        "hf:a/b@1123456789abcdef0123456789abcdef01234567", false)]
    [InlineData("hf:a/b@0123456789abcdef0123456789abcdef01234567/model.safetensors", "hf:a/c", false)]
    [InlineData("hf:timm/resnet18.a1_in1k@0123456789abcdef0123456789abcdef01234567/model.safetensors", "default", true)]
    [InlineData("https://example.org/w.bin#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "https://example.org/w.bin?key=secret", true)]
    [InlineData("nuget:Some.Weights@1.2.0/w.onnx#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "nuget:some.weights", true)]
    [InlineData("nuget:Some.Weights@1.2.0/w.onnx#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "nuget:Some.Weights@1.3.0", false)]
    [InlineData("./w.bin", "/some/w.bin", true)]
    [InlineData("none", "embedded", false)]
    public void A_finished_run_of_a_comparison_is_told_by_its_pinned_weights(string resolved, string asked, bool same) =>
        Assert.Equal(same, InitialWeights.Meets(resolved, asked, "resnet18"));

    private static string[] Train(Photos photos, string weights, params string[] flags) =>
        ["train", "--data", photos.Data, "--out", photos.Run, "--weights", weights,
            .. flags.Contains("--model") ? (string[])[] : ["--model", Model],
            .. flags.Contains("--input-size") ? (string[])[] : ["--input-size", "32"], "--steps", "2", "--images-per-class",
            "2", "--threads", "1", "--no-refit", .. flags];

    /// <summary>A hub that has the golden file under its usual name.</summary>
    private static LoopbackServer Hub() => new(r => r.Path.EndsWith("/pytorch_model.bin", StringComparison.Ordinal)
        ? r.FileAsync(File.ReadAllBytes(Pth), int.MaxValue, "\"v1\"", ("X-Repo-Commit", Commit), ("X-Linked-Etag", $"\"{Hash}\""))
        : r.HeadAsync(404, ("Content-Length", "0")));

    private static JsonElement Start(Photos photos) =>
        JsonDocument.Parse(File.ReadLines(Path.Combine(photos.Run, "journal.jsonl")).First()).RootElement;

    private static IEnumerable<string> Shapes(SafetensorsFile file) =>
        file.Names.Order(StringComparer.Ordinal).Select(name => $"{name} [{string.Join(", ", file.ShapeOf(name))}]");

    private static void NowhereIn(string folder, string secret, Ended ended)
    {
        Assert.DoesNotContain(secret, ended.Errors + ended.Output);
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
            Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) < 0,
                $"{file} holds the secret");
    }
}
