namespace Schane.Recipes;

/// <summary>Which weights a finished run keeps.</summary>
public enum FinalWeights
{
    /// <summary>Those after the last step.</summary>
    Last,

    /// <summary>Those of the best checkpoint.</summary>
    Best,

    /// <summary>The moving average after the last step.</summary>
    Ema,
}
