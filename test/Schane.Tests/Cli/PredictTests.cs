using System.Diagnostics;
using System.Globalization;
using Schane.Tests.Data;
using Schane.Tests.Inference;

namespace Schane.Tests.Cli;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public class PredictTests(TrainedRun run)
{
    [Fact]
    public void Folders_patterns_and_lists_on_stdin_name_images()
    {
        var folder = SchaneProgram.Run("predict", run.Folder, Path.Combine(run.Data, "red"), "--json", "--top", "1").Done().Document();
        Assert.Equal(20, folder.GetArrayLength());
        Assert.All(folder.EnumerateArray(), p => Assert.Equal("red", p.GetProperty("class").GetString()));
        var pattern = SchaneProgram.Run("predict", run.Folder, $"{run.Data}/**/3.png", "--json").Done().Document();
        Assert.Equal([run.Blue, run.Red], pattern.EnumerateArray().Select(p => p.GetProperty("image").GetString()));
        var list = SchaneProgram.RunWithInput($"{run.Red}\n{run.Blue}\n", "predict", run.Folder, "-", "--json").Done().Document();
        Assert.Equal([run.Red, run.Blue], list.EnumerateArray().Select(p => p.GetProperty("image").GetString()));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Images_are_told_by_content_and_what_can_not_be_read_is_named_counted_and_passed_over()
    {
        using var folder = new TemporaryFolder();
        var image = File.ReadAllBytes(run.Red);
        foreach (var name in (string[])["a.png", "b_without_extension", "really_a_png.tif"])
            folder.Write($"new/{name}", image);
        folder.Write("new/notes.txt", "no image"u8.ToArray());
        var place = Path.Combine(folder.Path, "new");
        foreach (var where in (string[])[place, $"{place}/*"])
            Assert.Equal(3, SchaneProgram.Run("predict", run.Folder, where, "--json").Done().Document().GetArrayLength());
        var list = SchaneProgram.RunWithInput($"\uFEFF{run.Red}\r\n{run.Blue}\r\n", "predict", run.Folder, "-", "--json");
        Assert.Equal([run.Red, run.Blue], list.Done().Document().EnumerateArray().Select(p => p.GetProperty("image").GetString()));

        var bad = folder.Write("new/bad.jpg", image[..40]);
        folder.Write("new/phone.heic", "\0\0\0\u0018ftypheic\0\0\0\0"u8.ToArray());
        var ended = SchaneProgram.Run("predict", run.Folder, place, "--csv");
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal(6, ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("bad.jpg' begins as a PNG", ended.Errors);
        Assert.Contains("phone.heic' is not", ended.Errors);
        Assert.Contains("error: 2 of 5 images can't be read", ended.Errors);
        foreach (var where in (string[])[place, $"{place}/**"])
            Assert.Contains("Not used: 1 HEIC file can't be read: save them as JPEG; 1 other file is no image ('notes.txt').",
                SchaneProgram.Run("predict", run.Folder, where).Errors);
        Assert.Equal(1, SchaneProgram.RunWithInput($"{bad}\n{run.Red}\n", "predict", run.Folder, "-").ExitCode);
        Assert.Contains("bad.jpg", SchaneProgram.Run("predict", run.Folder, bad).Refusal());
        Assert.Contains("bad.jpg", SchaneProgram.Run("predict", run.Folder, place, "--on-bad-image", "fail").Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void What_systems_make_is_passed_over_and_links_are_told_in_folders_and_patterns()
    {
        using var folder = new TemporaryFolder();
        var image = File.ReadAllBytes(run.Red);
        var inside = folder.Write("new/deep/a.png", image);
        folder.Write("new/@eaDir/a.png", image);
        folder.Write("new/.hidden/a.png", image);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "new", "b.png"), folder.Write("elsewhere/b.png", image));
        var place = Path.Combine(folder.Path, "new");
        foreach (var where in (string[])[place, $"{place}/**/?.png", $"{place}/**"])
        {
            var done = SchaneProgram.Run("predict", run.Folder, where, "--json").Done();
            Assert.Equal([Path.Combine(place, "b.png"), inside],
                done.Document().EnumerateArray().Select(p => p.GetProperty("image").GetString()));
            Assert.Contains("1 link leads out of", done.Errors);
        }
        Directory.CreateSymbolicLink(Path.Combine(place, "deep", "up"), place);
        foreach (var where in (string[])[place, $"{place}/**/*.png"])
            Assert.Contains("is a link to a folder above it", SchaneProgram.Run("predict", run.Folder, where).Refusal());
        Assert.Single(SchaneProgram.Run("predict", run.Folder, $"{place}/*.png", "--json").Done().Document().EnumerateArray());
    }

    [Fact]
    public void The_size_of_a_batch_changes_no_digit_of_an_answer()
    {
        string Answers(string batch) => SchaneProgram.Run("predict", run.Folder, run.Data, run.Data, run.Data, "--csv", "--embeddings",
            "--batch", batch).Done().Output;
        var alone = Answers("1");
        Assert.InRange(alone.Split('\n').Length, 34, 200);                  // whole passes and what is left
        Assert.Equal(alone, Answers("7"));
        Assert.Equal(alone, Answers("32"));
    }

    [Fact]
    [Trait("Slow", "1")]
    public void An_exported_file_and_the_weights_alone_answer_as_the_run_does()
    {
        using var folder = new TemporaryFolder();
        var onnx = Path.Combine(folder.Path, "colours.onnx");
        SchaneProgram.Run("export", run.Folder, "--onnx", onnx, "--normalize").Done();
        string[] Answers(string model) => SchaneProgram.Run("predict", model, run.Red, run.Blue, "--csv").Done().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var expected = Answers(run.Folder);
        // all but the distance, which the run alone can tell
        static string probable(string line) => string.Join(',', line.Split(',').SkipLast(2));
        Assert.Equal(expected.Select(probable), Answers(Path.Combine(run.Folder, "model.safetensors")).Select(probable));
        var found = Answers(onnx);
        Assert.Equal(expected.Length, found.Length);
        foreach (var (one, other) in expected.Zip(found).Skip(1))
        {
            var (fields, others) = (one.Split(','), other.Split(','));
            Assert.Equal(fields[..3], others[..3]);
            Assert.Equal(double.Parse(fields[3], CultureInfo.InvariantCulture),
                double.Parse(others[3], CultureInfo.InvariantCulture), 1e-4);
        }
        Assert.Contains("computed on the processor, but the device is 'cuda'",
            SchaneProgram.Run("predict", onnx, run.Red, "--device", "cuda").Refusal());
    }

    [Fact]
    public void Csv_has_one_line_an_image_with_its_embedding_where_asked_for()
    {
        var lines = SchaneProgram.Run("predict", run.Folder, run.Red, run.Blue, "--csv", "--embeddings").Done().Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("image,answer,class1,probability1,class2,probability2,e1,e2,", lines[0]);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith($"{run.Red},red,red,", lines[1]);
        Assert.All(lines, line => Assert.Equal(lines[0].Count(c => c == ','), line.Count(c => c == ',')));
    }

    [Fact]
    public void Abstaining_says_its_threshold_with_coverage_and_accuracy()
    {
        var said = SchaneProgram.Run("predict", run.Folder, run.Red, "--abstain-below", "0.9").Done().Errors;
        Assert.Matches(@"Answers below a confidence of 0\.\d+ are withheld: \d of 1 images are answered\. " +
            @"On \d+ held-out images that answered \d+.*%, of which \d+.* % were right, which rests on \d+ images only\.", said);
    }

    [Fact]
    public void Evaluate_names_the_pairs_that_are_confused_most_and_the_surest_mistakes()
    {
        // Every label is wrong.
        var swapped = Directory.CreateTempSubdirectory("schane-swapped-");
        try
        {
            Directory.CreateSymbolicLink(Path.Combine(swapped.FullName, "red"), Path.Combine(run.Data, "blue"));
            Directory.CreateSymbolicLink(Path.Combine(swapped.FullName, "blue"), Path.Combine(run.Data, "red"));
            var said = SchaneProgram.Run("evaluate", run.Folder, "--data", swapped.FullName).Done().Output;
            Assert.Matches(@"(?m)^Most confused, of 40 mistakes:\n\s+class\s+taken for\s+times\s+of class$", said);
            Assert.Matches(@"(?m)^  red\s+blue\s+20\s+100 %$", said);
            Assert.Matches(@"(?m)^Surest mistakes:\n\s+image\s+class\s+taken for\s+sure\n.*\n" +
                @"  (red|blue)/\d+\.png\s+(red\s+blue|blue\s+red)\s+\d+ %$", said);
        }
        finally
        {
            swapped.Delete(recursive: true);
        }
        Assert.Contains("No image was mistaken.", SchaneProgram.Run("evaluate", run.Folder, "--data", run.Data).Done().Output);
    }

    [Fact]
    public void What_can_not_be_predicted_from_is_refused_in_one_sentence()
    {
        var empty = Directory.CreateDirectory(Path.Combine(run.Folder, "empty")).FullName;
        Assert.Contains("holds no image", SchaneProgram.Run("predict", run.Folder, empty).Refusal());
        Assert.Contains("matches", SchaneProgram.Run("predict", run.Folder, $"{empty}/*.png").Refusal());
        Assert.Contains("The list names no file", SchaneProgram.Run("predict", run.Folder, "-").Refusal());
        Assert.Contains("There is no run, safetensors or ONNX file",
            SchaneProgram.Run("predict", Path.Combine(empty, "x"), run.Red).Refusal());
        Assert.Contains("keep one", SchaneProgram.Run("predict", run.Folder, run.Red, "--csv", "--json").ExitCode == 2
            ? SchaneProgram.Run("predict", run.Folder, run.Red, "--csv", "--json").Errors : "");
        Assert.Contains("--embeddings needs", SchaneProgram.Run("predict", run.Folder, run.Red, "--embeddings").Refusal());
        Assert.Contains("fail or skip", SchaneProgram.Run("predict", run.Folder, run.Red, "--on-bad-image", "ignore").Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void The_first_answer_of_a_cold_process_takes_no_longer_than_a_few_seconds_of_processor_time()
    {
        var watch = Stopwatch.StartNew();
        SchaneProgram.Run("predict", run.Folder, run.Red).Done();
        TestContext.Current.SendDiagnosticMessage($"first prediction after {watch.ElapsedMilliseconds} ms");
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
    }
}
