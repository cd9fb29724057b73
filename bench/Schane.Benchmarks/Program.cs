using Schane.Benchmarks;

System.Runtime.CompilerServices.RuntimeHelpers.RunModuleConstructor(typeof(Schane.SchaneException).Module.ModuleHandle);
return args switch
{
    ["loss", .. var rest] => LossSpeed.Run(rest),
    ["loss-memory", .. var rest] => LossMemory.Run(rest),
    ["loss-error", ..] => LossError.Run(),
    ["data", ..] => DataSpeed.Run(),
    _ => Wrong(),
};

static int Wrong()
{
    Console.Error.WriteLine("Usage: loss [--rounds N] [--only 'schane ROWS DIM CLASSES;...'] | loss-memory --rows N --dim D | loss-error | data");
    return 2;
}
