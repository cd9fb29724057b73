using System.Net.Http.Json;
using System.Text.Json;
using Schane.Inference;
using Schane.Server;
using Schane.Tests.Cli;
using Schane.Tests.Data;

namespace Schane.Tests.Jobs.Int8;

/// <summary>A file in int8 is served like any other, and not left where it costs too much.</summary>
[Trait("Long", "1")]
[Trait("Slow", "1")]
public sealed class Int8ExportTests : IDisposable
{
    private readonly Photos photos = new();

    private string Onnx => Path.Combine(photos.Root, "model.onnx");

    public void Dispose() => photos.Dispose();

    [Fact]
    public async Task A_file_in_int8_is_served()
    {
        var stop = TestContext.Current.CancellationToken;
        Train();
        SchaneProgram.Run("export", photos.Run, "--onnx", Onnx, "--store", "int8", "--int8-limit", "1").Done();
        using var classifier = Classifier.Load(Onnx);
        await using var server = await PredictionServer.StartAsync(new ServeOptions { Run = Onnx, Port = 0 }, stop);
        using var client = new HttpClient { BaseAddress = server.Address };
        foreach (var (name, level) in new (string, byte)[] { ("dark", 30), ("light", 220) })
        {
            var image = Pictures.Flat(40, 40, level, level, level);
            using var content = new ByteArrayContent(image) { Headers = { ContentType = new("image/png") } };
            var answer = (await (await client.PostAsync("predict", content, stop)).Content.ReadFromJsonAsync<JsonElement>(stop))
                .GetProperty("predictions")[0];
            Assert.Equal(name, answer.GetProperty("class").GetString());
            using var stream = new MemoryStream(image);
            Assert.Equal(classifier.Predict(stream).Top[0].Probability,
                answer.GetProperty("top")[0].GetProperty("probability").GetDouble(), 1e-6);
        }
    }

    [Fact]
    public void A_file_in_int8_that_costs_more_than_it_may_is_a_failure_and_is_not_left()
    {
        Train();
        // Of images between dark and light those take the places of the test part that float32 is least sure of, each in the class that
        // float32 gives it: so float32 has all right, and numbers of eight bits can't.
        using (var classifier = Classifier.Load(photos.Run))
        {
            (string Class, double Probability) Answer(byte[] image)
            {
                using var stream = new MemoryStream(image);
                var top = classifier.Predict(stream).Top[0];
                return (top.Class, top.Probability);
            }
            var between = Enumerable.Range(0, 256).MinBy(level => Answer(Pictures.Flat(40, 40, (byte)level, (byte)level, (byte)level))
                .Probability);
            var random = new Random(3);
            var unsure = Enumerable.Range(0, 300).Select(_ => Grainy(between, random)).Select(image => (image, answer: Answer(image)))
                .GroupBy(one => one.answer.Class);
            foreach (var of in unsure)
                foreach (var (one, i) in of.OrderBy(one => one.answer.Probability).Take(20).Select((one, i) => (one, i)))
                    photos.Write($"test/{of.Key}/{i}.png", one.image);
        }
        var sentence = SchaneProgram.Run("export", photos.Run, "--onnx", Onnx, "--store", "int8", "--int8-limit", "0").Refusal(exitCode: 1);
        Assert.Contains("The int8 file costs more than the 0 points that it may", sentence);
        Assert.Equal(["photos", "run"], Directory.EnumerateFileSystemEntries(photos.Root).Select(Path.GetFileName).Order());
    }

    private void Train()
    {
        foreach (var part in (string[])["train", "val", "test"])
            foreach (var (name, level) in (ReadOnlySpan<(string, int)>)[("dark", 10), ("light", 200)])
                for (var i = 0; i < 20; i++)
                    photos.Write($"{part}/{name}/{i}.png", Pictures.Flat(40, 40, (byte)(level + 2 * i), (byte)(level + i), (byte)level));
        SchaneProgram.Run(photos.Train("--steps", "30", "--augmentation", "none", "--lr", "0.003")).Done();
    }

    private static byte[] Grainy(int level, Random random) =>
        Pictures.Png(40, 40, 8, 2, [.. Enumerable.Range(0, 3 * 40 * 40).Select(_ =>
            (byte)Math.Clamp(level + random.Next(-6, 7), 0, 255))]);
}
