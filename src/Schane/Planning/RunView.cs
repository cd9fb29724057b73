namespace Schane.Planning;

/// <summary>A run that sees its data otherwise than its recipe says, and is not for people.</summary>
/// <param name="Of">From the recipe's data to what the run sees.</param>
/// <param name="Leaves">What it leaves besides its model.</param>
internal sealed record RunView(Func<DataSetup, DataSetup> Of, RunLeaves Leaves = RunLeaves.Results)
{
    /// <summary>A trial of a sweep: judged by the validation part, the test part out of reach.</summary>
    public static RunView Trial { get; } = new(data => data.ForSelection());

    /// <summary>Trains without some of the training images, by name, which are measured instead.</summary>
    public static RunView Without(IReadOnlySet<string> heldOut) => new(data => data.HoldingOut(heldOut));
}

/// <summary>What a run leaves in its folder at its end, besides its model.</summary>
internal enum RunLeaves
{
    /// <summary>Results alone: nobody looks at the run.</summary>
    Results,

    /// <summary>Predictions and embeddings too, from which its page can be made at any time.</summary>
    Data,

    /// <summary>Thumbnails and the page as well.</summary>
    Page,
}
