using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Schane.Inference;
using Schane.Tests.Data;
using Schane.Tests.Samples;

namespace Schane.Tests.Inference;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class ImageEmbeddingGeneratorTests(TrainedRun run)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_gets_the_embeddings_of_the_classifier_in_order_by_the_contract_of_vector_stores()
    {
        await using var services = new ServiceCollection().AddSchane(run.Folder).BuildServiceProvider();
        var (generator, classifier) = (services.GetRequiredService<IEmbeddingGenerator<DataContent, Embedding<float>>>(),
            services.GetRequiredService<Classifier>());
        var made = await generator.GenerateAsync([await DataContent.LoadFromAsync(run.Red, cancellationToken: Stop),
            await DataContent.LoadFromAsync(run.Blue, cancellationToken: Stop)], cancellationToken: Stop);
        using var red = File.OpenRead(run.Red);
        using var blue = File.OpenRead(run.Blue);
        Assert.Equal(2, made.Count);
        Assert.All(classifier.Embed(red).Zip(made[0].Vector.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-4));
        Assert.All(classifier.Embed(blue).Zip(made[1].Vector.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-4));
        var about = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.Equal(("schane", classifier.EmbeddingWidth), (about.ProviderName, about.DefaultModelDimensions));
    }

    [Fact]
    public async Task Another_width_and_what_is_no_image_are_refused_in_one_sentence()
    {
        using var classifier = Classifier.Load(run.Folder);
        var generator = classifier.AsEmbeddingGenerator();
        var image = await DataContent.LoadFromAsync(run.Red, cancellationToken: Stop);
        var wide = await Assert.ThrowsAsync<SchaneException>(() =>
            generator.GenerateAsync([image], new() { Dimensions = classifier.EmbeddingWidth + 1 }, Stop));
        Assert.Contains("Dimensions must be", wide.Message);
        var text = new DataContent("hello"u8.ToArray(), "text/plain") { Name = "hello.txt" };
        Assert.Contains("hello.txt", (await Assert.ThrowsAsync<SchaneException>(() => generator.GenerateAsync([image, text], null, Stop)))
            .Message);
    }

    [Fact]
    public async Task A_health_check_says_whether_the_model_answers_and_why_it_does_not()
    {
        async Task<HealthReport> Of(string folder)
        {
            await using var services = new ServiceCollection().AddLogging().AddSchane(folder).AddSchane(folder).BuildServiceProvider();
            return await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop);
        }
        var well = await Of(run.Folder);
        Assert.Equal((HealthStatus.Healthy, "schane"), (well.Status, well.Entries.Single().Key));
        Assert.Contains("2 classes", well.Entries["schane"].Description);
        var ill = await Of(run.Folder + "-gone");
        Assert.Equal(HealthStatus.Unhealthy, ill.Status);
        Assert.Contains("There is no run", ill.Entries["schane"].Description);
    }

    [Fact]
    public void Passes_are_counted_and_traced_under_one_name()
    {
        var counts = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Meter.Name == "Schane")
                all.EnableMeasurementEvents(instrument);
        };
        void Add(Instrument instrument, double value)
        {
            lock (counts)
                counts[instrument.Name] = counts.GetValueOrDefault(instrument.Name) + value;
        }
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
        listener.SetMeasurementEventCallback<double>((instrument, _, _, _) => Add(instrument, 1));
        listener.Start();
        var passes = 0;
        using var traces = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Schane",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _ => Interlocked.Increment(ref passes),
        };
        ActivitySource.AddActivityListener(traces);

        using var classifier = Classifier.Load(run.Folder);
        classifier.Predict(run.Red);
        using var noise = new MemoryStream(Pictures.Noise(40, 40));
        Assert.True(classifier.Predict(noise).Unknown);
        Assert.True(counts["schane.classifier.images"] >= 2);             // other tests may predict meanwhile
        Assert.True(counts["schane.classifier.pass.duration"] >= 2);
        Assert.True(counts["schane.classifier.unknown"] >= 1);
        Assert.True(passes >= 2);
    }

    [Fact]
    public void The_sample_finds_the_images_that_look_alike()
    {
        var told = SampleProgram.Run("FindSimilar", run.Folder, run.Data, run.Blue).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, told.Length);
        Assert.Contains(run.Blue, told[0]);
        Assert.All(told, line => Assert.Contains("blue", line));
    }
}
