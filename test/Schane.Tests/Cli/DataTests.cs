using Schane.Tests.Data;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class DataTests
{
    [Fact]
    public void A_good_folder_is_counted_and_found_ready()
    {
        using var photos = Photos.OfTwoClasses();
        var before = photos.Fingerprint();
        var ended = SchaneProgram.Run("data", "check", photos.Data).Done();
        Assert.Contains("20 images of 2 classes: ready to train on.", ended.Output);
        Assert.Equal(before, photos.Fingerprint());
    }

    [Fact]
    public void What_is_wrong_is_listed_by_file_and_the_exit_code_is_1()
    {
        using var photos = Photos.OfTwoClasses();
        photos.Write("red/notes.jpg", "not an image"u8.ToArray());
        photos.Write("red/cut.png", Pictures.Flat(40, 40, 1, 2, 3)[..40]);
        photos.Write("red/huge.png", Pictures.HugePng(20000, 20000));
        photos.Write("red/really-a-png.jpg", Pictures.Flat(8, 8, 1, 1, 1));
        photos.Write("blue/copy.png", File.ReadAllBytes(Path.Combine(photos.Data, "red", "0.png")));
        photos.Write("small/one.png", Pictures.Flat(8, 8, 9, 9, 9));
        var ended = SchaneProgram.Run("data", "check", photos.Data, "--json");
        Assert.Equal(1, ended.ExitCode);
        var report = ended.Document();
        Assert.Equal(["red/cut.png", "red/huge.png", "red/notes.jpg"], report.GetProperty("unreadable").EnumerateArray()
            .Select(p => p.GetProperty("file").GetString()!.Replace('\\', '/')).Order(StringComparer.Ordinal));
        Assert.Contains("really-a-png.jpg", report.GetProperty("misnamed").ToString());
        Assert.Contains("copy.png", report.GetProperty("duplicates").ToString());
        Assert.Contains("small", report.GetProperty("too_small").ToString());
    }

    [Fact]
    public void The_limit_of_an_image_can_be_set()
    {
        using var photos = Photos.OfTwoClasses();
        photos.Write("red/wide.png", Pictures.HugePng(1200, 1000));
        Assert.Contains("1200 × 1000 = 1200000 pixels; images may have 1000000",
            SchaneProgram.Run("data", "check", photos.Data, "--max-megapixels", "1").Output);
        Assert.Contains("at least 1", SchaneProgram.Run("data", "check", photos.Data, "--max-megapixels", "0").Refusal());
    }

    [Fact]
    public void Hostile_names_are_printed_escaped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such file names.");
        using var photos = new Photos(("[red]\u001b[2J", 6), ("two\nlines", 6));
        photos.Write("[red]\u001b[2J/\u001b]0;x\u0007.jpg", "x"u8.ToArray());
        var ended = SchaneProgram.Run("data", "check", photos.Data);
        Assert.Equal(1, ended.ExitCode);
        Assert.DoesNotContain('\u001b', ended.Output);
        Assert.DoesNotContain('\u0007', ended.Output);
        Assert.Contains(@"[red]\e[2J", ended.Output);
        Assert.Contains(@"two\nlines", ended.Output);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_wrong_use() =>
        Assert.Contains("nowhere", SchaneProgram.Run("data", "check", "/nowhere").Refusal());

    [Fact]
    public void The_embedded_data_set_is_listed() => Assert.Contains("lookalikes", SchaneProgram.Run("data", "list").Done().Output);

    [Fact]
    public void A_named_data_set_is_compared_with_its_official_counts()
    {
        using var folder = new TemporaryFolder();
        var ended = SchaneProgram.Run("data", "check", "cifar100", "--data-root", folder.Path);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("cifar-100-binary.tar.gz", ended.Output);
        Assert.Contains("`schane data fetch cifar100` fetches it", ended.Output);
        Assert.Contains("lookalikes is complete.", SchaneProgram.Run("data", "check", "lookalikes").Done().Output);
    }

    [Fact]
    public void Images_that_are_nearly_the_same_in_different_parts_are_named()
    {
        using var photos = new Photos();
        photos.Write("train/a/1.png", File.ReadAllBytes(GoldenImages.Image("natural.png")));
        photos.Write("test/a/1.jpg", File.ReadAllBytes(GoldenImages.Image("natural.jpg")));
        photos.Write("train/b/2.jpg", File.ReadAllBytes(GoldenImages.Image("gray.jpg")));
        var said = SchaneProgram.Run("data", "check", photos.Data).Output;
        Assert.Contains("May be nearly the same, in different parts", said);
        Assert.Matches("test/a/1.jpg = train/a/1.png|train/a/1.png = test/a/1.jpg", said);
    }

    [Fact]
    public void The_steps_of_a_preset_are_printed()
    {
        var said = SchaneProgram.Run("data", "show", "--transforms", "supcon-cifar", "--input-size", "32").Done().Output;
        Assert.Contains("RandomResizedCrop { Size = 32", said);
        Assert.Contains("Normalize", said);
        Assert.Equal(Schane.Data.Transforms.TransformPreset.All.Count,
            SchaneProgram.Run("data", "show", "--transforms", "--json").Done().Document().GetArrayLength());
    }

    [Fact]
    public void A_data_set_that_cannot_be_fetched_says_so() =>
        Assert.Contains("schane data check imagenet", SchaneProgram.Run("data", "fetch", "imagenet").Refusal());
}
