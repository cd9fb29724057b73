using Schane.Export;
using Schane.Tensors;
using Schane.Verification;

namespace Schane.Jobs;

/// <summary>Whether this machine computes what models are made of as float64 says: what <c>schane doctor</c> does.</summary>
internal static class MachineCheck
{
    /// <summary>
    /// Compares the layers of the models, forward and backward in float32 and bf16, the kernels of the contrastive loss, and ONNX Runtime
    /// where it is there, with float64 on the
    /// CPU. A few seconds.
    /// </summary>
    /// <returns>The largest error of each.</returns>
    public static IReadOnlyList<OperatorError> Run()
    {
        TorchContext.Silence();
        var found = OperatorTable.Compare().ToList();
        try
        {
            found.Add(RuntimeCheck.Compare());
        }
        catch (SchaneException)
        {
            // A program without ONNX Runtime trains all the same.
        }
        return found;
    }
}
