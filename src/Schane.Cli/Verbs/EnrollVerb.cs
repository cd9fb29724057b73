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
    { Arity = ArgumentArity.OneOrMore, Description = "Images of the class; files, folders or patterns." };
    private readonly Option<string> name = new("--class") { HelpName = "NAME", Required = true, Description = "Name of the new class." };
    private readonly Option<string> device = CommonFlags.Device();

    public EnrollVerb() : base("enroll",
        "Adds a class to a trained run from a few images, without training, and says what accuracy to expect.")
    {
        Add(run);
        Add(images);
        Flags("Flags", name, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane enroll runs/photos-schane-1 --class lynx lynx1.jpg lynx2.jpg lynx3.jpg", "from three images"),
        new("schane enroll RUN --class lynx new/lynx", "from all images of a folder"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var account = new InputAccount();
        var found = EnrollJob.Run(parsed.GetRequiredValue(run), parsed.GetRequiredValue(name),
            [.. ImageFiles.Find(parsed.GetRequiredValue(images), null, account)], parsed.GetRequiredValue(device));
        foreach (var sentence in account.Sentences)
            screen.Say(sentence);
        screen.Answer($"Class '{found.Class}' is known from {found.Images} {(found.Images == 1 ? "image" : "images")}; an image with a " +
            $"cosine below {found.Threshold:0.000} to every class is unknown.");
        if (found.LeftOut is { } leftOut)
            screen.Answer($"Each of the images against the others: {leftOut:P0} are recognised.");
        screen.Answer(double.IsNaN(found.Expected)
            ? $"No trained class has {found.Images} images to try the same with, so no accuracy can be promised."
            : $"To expect: {found.Expected:P1} of its images are recognised, as {found.ExpectedFrom} held-out images of trained " +
                "classes would be if these had been enrolled so; less where the new class is unlike them.");
        screen.Answer($"It takes {found.Taken:P1} of the held-out images from other classes; {found.UnknownFound:P1} of them would be " +
            "called unknown if their class were not there.");
        return new(found);
    }
}
