using System.CommandLine;
using Schane.Data.Listing;
using Schane.Inference;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>One more class for a trained run, from a few images.</summary>
internal sealed class EnrollVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`." };
    private readonly Argument<string[]> images = new("IMAGE")
    { Arity = ArgumentArity.ZeroOrMore, Description = "Images of the class; files, folders or patterns." };
    private readonly Option<string> name = new("--class")
    { HelpName = "NAME", Description = "Name of the class: a new one, or one that was enrolled and gets more images." };
    private readonly Option<bool> list = new("--list") { Description = "Print the enrolled classes instead." };
    private readonly Option<string> remove = new("--remove") { HelpName = "NAME", Description = "Take an enrolled class out instead." };
    private readonly Option<string> device = CommonFlags.Device();

    public EnrollVerb() : base("enroll",
        "Adds a class to a trained run from a few images, without training, and says what accuracy to expect; lists and removes such.")
    {
        Add(run);
        Add(images);
        Flags("Flags", name, list, remove, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane enroll runs/photos-schane-1 --class lynx lynx1.jpg lynx2.jpg lynx3.jpg", "from three images"),
        new("schane enroll RUN --class lynx new/lynx", "from all images of a folder; further ones where there is a lynx already"),
        new("schane enroll RUN --list", "the enrolled classes, and how many images each has"),
        new("schane enroll RUN --remove lynx", "forgets it"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var (folder, places) = (parsed.GetRequiredValue(run), parsed.GetValue(images) ?? []);
        var (named, removed) = (parsed.GetValue(name), parsed.GetValue(remove));
        if ((named is null ? 0 : 1) + (removed is null ? 0 : 1) + (parsed.GetValue(list) ? 1 : 0) != 1)
            throw new SchaneException("--class NAME with images, --list, or --remove NAME: enroll needs one of the three.");
        if (named is null != (places.Length == 0))
            throw new SchaneException(named is null
                ? "--list and --remove take no images; leave them out, or name their class with --class."
                : $"Class '{Printable.Escape(named)}' needs at least one image; name files, folders or patterns.");
        return removed is not null ? Remove(folder, removed, screen) : named is null ? List(folder, screen)
            : Enroll(folder, named, places, parsed.GetRequiredValue(device), screen);
    }

    private static Outcome List(string folder, Screen screen)
    {
        var classes = EnrollJob.List(folder);
        if (classes.Count == 0)
            screen.Say("No class was enrolled.");
        else
            screen.Table(["class", "images"], classes.Select(c => (string[])[c.Key, $"{c.Value}"]));
        return new(classes.Select(c => new { Class = c.Key, Images = c.Value }));
    }

    private static Outcome Remove(string folder, string name, Screen screen)
    {
        EnrollJob.Remove(folder, name);
        screen.Answer($"Class '{name}' is gone; what it was enrolled from has to be given again to have it back.");
        return new(new { Removed = name });
    }

    private static Outcome Enroll(string folder, string name, string[] places, string device, Screen screen)
    {
        var account = new InputAccount();
        var found = EnrollJob.Run(folder, name, [.. ImageFiles.Find(places, null, account)], device);
        foreach (var sentence in account.Sentences)
            screen.Say(sentence);
        screen.Answer($"Class '{found.Class}' is known from {found.Images} {(found.Images == 1 ? "image" : "images")}" +
            $"{(found.Added < found.Images ? $", {found.Added} of them new" : "")}; an image with a cosine of at least " +
            $"{found.Threshold:0.000} to their mean is not unknown.");
        if (found.LeftOut is { } leftOut)
            screen.Answer($"Each of the images against the others: {leftOut:P0} are recognised.");
        screen.Answer(double.IsNaN(found.Expected)
            ? $"No trained class has {found.Images} images to try the same with, so no accuracy can be promised."
            : $"To expect: {found.Expected:P1} of its images are recognised, as {found.ExpectedFrom} held-out images of trained " +
                "classes would be if these had been enrolled so; less where the new class is unlike them.");
        if (found.Taken is { } taken)
            screen.Answer($"It takes {taken:P1} of the held-out images from other classes.");
        screen.Answer($"{found.UnknownFound:P1} of the held-out images would be called unknown if their class were not there.");
        return new(found);
    }
}
