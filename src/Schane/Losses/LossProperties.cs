using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Schane.Losses;

/// <summary>The settings of a loss, which are the properties with <c>init</c> that its record adds to
/// <see cref="ContrastiveLoss"/>.</summary>
internal static class LossProperties
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyDictionary<string, PropertyInfo>> known = new();

    extension(ContrastiveLoss loss)
    {
        /// <summary>Settings by property name.</summary>
        public IReadOnlyDictionary<string, PropertyInfo> Settings => known.GetOrAdd(loss.GetType(), type =>
            type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.SetMethod is { IsPublic: true }).ToDictionary(p => p.Name));

        /// <summary>The value of a setting; null where the loss has none of that name.</summary>
        public object? Get(string setting) => loss.Settings.TryGetValue(setting, out var property) ? property.GetValue(loss) : null;

        /// <summary>A copy with another value; the loss itself where it has no such setting or the value is null.</summary>
        /// <exception cref="ArgumentException">The value is out of range.</exception>
        public ContrastiveLoss With(string setting, object? value)
        {
            if (value is null || !loss.Settings.TryGetValue(setting, out var property))
                return loss;
            var copy = loss with { };
            try
            {
                property.SetValue(copy, value);
            }
            catch (TargetInvocationException e) when (e.InnerException is { } inner)
            {
                ExceptionDispatchInfo.Throw(inner);
            }
            return copy;
        }
    }
}
