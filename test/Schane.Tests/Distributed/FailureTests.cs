using System.Diagnostics;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Distributed;
using Schane.Tests.Data;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>What happens to one rank ends the job, soon and in words, and the job goes on afterwards as if nothing had been.</summary>
public sealed class FailureTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>MPI, what happens at step 7, and what is then said.</summary>
    public static TheoryData<string, string, string> Mishaps =>
    [
        .. Mpirun.Both.SelectMany(kind => ((string, string)[])
        [
            ("throw", @"rank 1 on \S+: something broke"),
            ("stop", @"Rank 1 on \S+ has given no sign of life for 5 s"),
            ("diverge", @"After step 10 the weights of rank 1 on \S+ differ from those of rank 0"),
            ("leave", @"Rank 1 on \S+ left before the end"),
            ("kill", kind == "openmpi" ? "rank 1 .* exited on signal 9" : "EXIT CODE: 9"),
        ], (kind, mishap) => new TheoryDataRow<string, string, string>(kind, mishap.Item1, mishap.Item2).WithTrait(Needs.Trait, kind)),
    ];

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(Mishaps)), Trait("Slow", "1")]
    public void A_mishap_of_one_rank_ends_the_job_in_words_and_a_resume_by_three_ranks_ends_with_the_same_weights(string kind,
        string mishap, string words)
    {
        var watch = Stopwatch.StartNew();
        var ended = Mpirun.Run(kind, 2, ["mishap", mishap, folder.Path], (RankProgram.Deadline, "5"));
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Matches(words, ended.Errors + ended.Output);
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"It took {watch.Elapsed.TotalSeconds:0} s.");
        Assert.False(File.Exists(Path.Combine(folder.Path, "end.safetensors")));

        Mpirun.Run(kind, 3, ["mishap", "none", folder.Path]).Done();
        SharedCases.Train("SCHaNe with P×K batches", ScalarType.Float64,
            Path.Combine(folder.Path, "alone.safetensors"), new SingleProcess());
        using var scope = NewDisposeScope();
        using var alone = Safetensors.Open(Path.Combine(folder.Path, "alone.safetensors"));
        using var resumed = Safetensors.Open(Path.Combine(folder.Path, "end.safetensors"));
        foreach (var name in alone.Names.Where(n => n is not ("losses" or "evaluations")))
            Assert.True((alone.Read(name) - resumed.Read(name)).abs().max().item<double>() <= 1e-12, name);
    }

    [Theory, MemberData(nameof(Mpirun.Kinds), MemberType = typeof(Mpirun)), Trait("Slow", "1")]
    public void Work_of_rank_0_beyond_the_deadline_is_waited_for_as_long_as_it_gives_signs_of_life_and_no_longer(string kind)
    {
        Mpirun.Run(kind, 3, ["pause", "alive"], (RankProgram.Deadline, "2")).Done();
        var ended = Mpirun.Run(kind, 3, ["pause", "silent"], (RankProgram.Deadline, "2"));
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Matches(@"Rank 0 on \S+ has given no sign of life for 2 s", ended.Errors + ended.Output);
    }

    [Theory, Trait("Slow", "1"), Needs(Needs.OpenMpi), Needs(Needs.Mpich)]
    [InlineData("openmpi", "libmpich.so.12")]
    [InlineData("mpich", "libmpi.so.40")]
    public void A_launcher_of_another_mpi_is_found_at_the_start(string kind, string library)
    {
        var ended = Mpirun.Run(kind, 2, ["collectives"], ("SCHANE_MPI", library));
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains("they belong to different MPIs", ended.Errors + ended.Output);
    }

    [Theory, MemberData(nameof(Mpirun.Kinds), MemberType = typeof(Mpirun)), Trait("Slow", "1")]
    public void The_command_trains_by_two_processes_goes_on_by_one_and_says_what_is_wrong_once(string kind)
    {
        string[] recipe = ["train", "--labels-per-class", "2", "--weights", "none", "--model",
            "vit_tiny_patch16_224:patch=16,width=24,depth=1,heads=3", "--input-size", "32",
            "--classes-per-batch", "4", "--images-per-class", "2", "--save-every", "2", "--rank-deadline", "60s", "--out", "run"];
        var missing = Mpirun.Schane(kind, 2, folder.Path, ["train", "--data", "nowhere"]);
        Assert.Equal(2, missing.ExitCode);
        Assert.Single(missing.Errors.Split('\n'),
            line => line.StartsWith("error: rank 0 on ", StringComparison.Ordinal) && line.Contains("nowhere"));

        var ended = Mpirun.Schane(kind, 2, folder.Path, [.. recipe, "--steps", "4", "--scale-batch"]).Done();
        Assert.Single(ended.Output.Split('\n'), line => line.Contains("The run is in run", StringComparison.Ordinal));
        var start = File.ReadLines(Path.Combine(folder.Path, "run", "journal.jsonl")).First();
        Assert.Contains("\"ranks\":2", start);
        Assert.Contains("\"batch\":16,", start);                          // twice 4 × 2
        Assert.True(File.Exists(Path.Combine(folder.Path, "run", "report.html")));
        // What the processes measured together is what one measures.
        var measured = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "run", "results.json"))).RootElement
            .GetProperty("metrics");
        var again = Schane.Tests.Cli.SchaneProgram.RunIn(folder.Path, "evaluate", "run", "--json").Done().Document().GetProperty("metrics");
        Assert.All(measured.EnumerateObject(),
            metric => Assert.Equal(metric.Value.GetDouble(), again.GetProperty(metric.Name).GetDouble(), 1e-6));
        File.Delete(Path.Combine(folder.Path, "run", "checkpoints", "step-00000004.safetensors"));
        Schane.Tests.Cli.SchaneProgram.RunIn(folder.Path, "train", "--resume", "run").Done();
    }

    [Theory, InlineData("openmpi"), Trait("Slow", "1"), Needs(Needs.OpenMpi)]
    public void Training_in_stages_by_two_processes_and_its_resume_end_with_the_weights_of_one(string kind)
    {
        File.WriteAllText(Path.Combine(folder.Path, "staged.yaml"), """
            labels-per-class: 2
            weights: none
            model: vit_tiny_patch16_224:patch=16,width=24,depth=1,heads=3
            input-size: 32
            classes-per-batch: 4
            images-per-class: 2
            steps: 3
            optimizer: sgd
            ---
            stage: contrastive
            loss: supcon
            lambda: 1
            ---
            stage: classifier
            loss: ce
            freeze: trunk
            augmentation: none
            """);
        Schane.Tests.Cli.SchaneProgram.RunIn(folder.Path, "train", "--recipe", "staged.yaml", "--out", "alone").Done();
        Mpirun.Schane(kind, 2, folder.Path, ["train", "--recipe", "staged.yaml", "--out", "shared"]).Done();
        AreAlike("alone", "shared");
        foreach (var done in (string[])["stages/contrastive/results.json", "recipe.yaml", "results.json", "model.safetensors"])
            File.Delete(Path.Combine(folder.Path, "shared", done));
        Mpirun.Schane(kind, 2, folder.Path, ["train", "--resume", "shared"]).Done();
        AreAlike("alone", "shared");

        void AreAlike(string one, string other)
        {
            using var scope = NewDisposeScope();
            foreach (var path in (string[])["model.safetensors", "stages/contrastive/model.safetensors"])
            {
                using var expected = Safetensors.Open(Path.Combine(folder.Path, one, path));
                using var found = Safetensors.Open(Path.Combine(folder.Path, other, path));
                Assert.All(expected.Names,
                    name => Assert.True((expected.Read(name) - found.Read(name)).abs().max().item<float>() <= 1e-5, $"{path}: {name}"));
            }
        }
    }

    [Theory, MemberData(nameof(Mpirun.Kinds), MemberType = typeof(Mpirun)), Trait("Slow", "1")]
    public void The_doctor_lets_processes_talk(string kind) =>
        Assert.Contains("2 ranks on", Mpirun.Schane(kind, 2, null, ["doctor"]).Done().Output);

    [Theory, MemberData(nameof(Mpirun.Kinds), MemberType = typeof(Mpirun)), Trait("Slow", "1")]
    public void Under_a_launcher_too_json_is_one_document_without_control_characters(string kind) =>
        Assert.Equal(2,
            Mpirun.Schane(kind, 2, null, ["doctor", "--json"], ("TERM", "xterm")).Done().Document().GetProperty("ranks").GetInt32());
}
